"""On which port a PostgREST in a container listens."""

import pytest

from pgrst_gate.postgrest.listening import port_of


@pytest.mark.parametrize(
    ("environment", "exposed", "port"),
    [
        ({}, (), 3000),
        ({}, (3000,), 3000),
        ({}, (3000, 3001), 3000),
        ({}, (8000,), 8000),
        ({"PGRST_SERVER_PORT": "8080"}, (3000,), 8080),
        ({"PGRST_SERVER_PORT": ""}, (), 3000),
        ({"PGRST_SERVER_PORT": "@file"}, (), 3000),
        ({"PGRST_ADMIN_SERVER_PORT": "3001"}, (3001,), 3000),
        ({"PGRST_ADMIN_SERVER_PORT": "3001"}, (3001, 8000), 8000),
        ({"PGRST_SERVER_UNIX_SOCKET": "/run/pgrst.sock"}, (3000,), None),
    ],
)
def test_the_port_is_configured_exposed_or_the_default(
    environment: dict[str, str], exposed: tuple[int, ...], port: int | None
) -> None:
    """What is configured wins; the admin server's port is never taken for the API's."""
    assert port_of(environment, exposed) == port
