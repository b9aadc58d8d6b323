"""Which cluster, and by which credentials: in kubectl's order, read by lightkube.

lightkube is an optional extra, and is imported late.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pgrst_gate.errors import NotRefreshed

if TYPE_CHECKING:
    from lightkube.config.kubeconfig import KubeConfig, SingleConfig

DEFAULT: Final = Path("~/.kube/config")
ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds the token of its service account."""

_SECRET: Final = re.compile(
    r"""["']?(?:[\w-]*token|password|client-key-data|client-secret)["']?\s*:\s*["']?([^\s"',}]+)"""
)


def secrets(text: str) -> tuple[str, ...]:
    """What the text of a kubeconfig holds that nobody may see; nothing for a path."""
    return tuple(_SECRET.findall(text))


def chosen(kubeconfig: str, context: str, account: Path = ACCOUNT) -> SingleConfig:
    """The cluster, its user and its namespace, of a context; of the current one where it is empty.

    ``kubeconfig`` is a path, or the text of such a file; empty for what the environment has.
    Raises `NotRefreshed`.
    """
    try:
        from lightkube.config.models import User
        from lightkube.core.exceptions import ConfigError
    except ImportError as error:
        raise NotRefreshed(
            "runtime kubernetes needs the extra `kubernetes`, which is not installed here",
            hint="pip install 'pgrst-gate[kubernetes]'; the container action has it",
        ) from error
    found = _read(kubeconfig, account)
    try:
        one = found.get(context or None)
    except (ConfigError, KeyError) as error:
        contexts = ", ".join(found.contexts) or "none"
        missing = (
            f"its cluster or user {error} is not in it" if isinstance(error, KeyError) else error
        )
        raise NotRefreshed(
            f"the kubeconfig has no context that could be used: {missing}",
            hint=f"choose one by `kube-context`; there are: {contexts}",
        ) from error
    if one is None:
        raise AssertionError  # that is for a default, and none is given
    return one if one.user else one._replace(user=User())


def _read(given: str, account: Path) -> KubeConfig:
    from lightkube.config.kubeconfig import KubeConfig

    if "\n" in given:
        return _parsed(given, "`kubeconfig`", None)
    named = given or os.environ.get("KUBECONFIG", "")
    if os.pathsep in named:
        raise NotRefreshed(
            f"KUBECONFIG names several files: {named}", hint="name one of them by `kubeconfig`"
        )
    if not named and not DEFAULT.expanduser().is_file():
        if not (account / "token").is_file():
            raise NotRefreshed(
                "no kubeconfig: `kubeconfig` is not given, KUBECONFIG is not set, "
                f"{DEFAULT} does not exist, and this is no pod of a cluster",
                hint="give `kubeconfig`: a path, or its text from a secret: "
                "kubeconfig: ${{ secrets.KUBECONFIG }}",
            )
        return KubeConfig.from_service_account(account)
    path = Path(named or DEFAULT).expanduser()
    try:
        text = path.read_text()
    except OSError as error:
        raise NotRefreshed(
            f"the kubeconfig {path} cannot be read: {error.strerror}",
            hint="a container sees the workspace, but no other file of its machine: give the text "
            "itself by `kubeconfig`, from a secret",
        ) from error
    return _parsed(text, str(path), path)


def _parsed(text: str, name: str, path: Path | None) -> KubeConfig:
    """A kubeconfig by its text; an error quotes none of it."""
    import yaml
    from lightkube.config.kubeconfig import KubeConfig
    from msgspec import ValidationError

    hint = "`kubectl config view --minify --flatten` writes one that is whole"
    try:
        return KubeConfig.from_dict(yaml.safe_load(text), fname=path)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise NotRefreshed(f"{name}{line}: this is no YAML", hint=hint) from None
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        raise NotRefreshed(f"{name} is no kubeconfig: {error}", hint=hint) from error
