"""How the failures of a Docker Engine are told: one that refuses, is silent, or is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pgrst_gate.errors import NotRefreshed


@contextmanager
def told(action: str) -> Iterator[None]:
    """Convert what the SDK raises while the engine is asked to do something."""
    from docker.errors import APIError, DockerException

    try:
        yield
    except APIError as error:
        raise NotRefreshed(
            f"the Docker engine refused to {action}: {error.explanation or error}",
            hint="the engine's own words; the same happens with the docker command",
        ) from error
    except (DockerException, OSError) as error:  # OSError: requests' own, no answer in time
        raise NotRefreshed(
            f"the Docker engine did not answer when asked to {action}: {error}",
            hint="is it overloaded, or did the connection break?",
        ) from error


def unreachable(error: Exception) -> NotRefreshed:
    """Why there is no engine to ask, and what to do."""
    said = str(error)
    if "Permission denied" in said:
        return NotRefreshed(
            "permission denied on the Docker socket",
            hint="run as root or as a member of the socket's group, which is often called docker",
        )
    if "FileNotFoundError" in said:
        return NotRefreshed(
            "no Docker engine here: its socket does not exist",
            hint="start Docker, or set DOCKER_HOST; in a container, mount the socket: "
            "-v /var/run/docker.sock:/var/run/docker.sock",
        )
    return NotRefreshed(
        f"the Docker engine cannot be reached: {said}",
        hint="is it running? DOCKER_HOST says where it is asked for",
    )
