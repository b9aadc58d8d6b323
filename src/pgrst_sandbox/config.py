"""The configuration, from PGRST_* environment variables as PostgREST reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, Self, cast, get_args

OpenApiMode = Literal["follow-privileges", "ignore-privileges", "disabled"]

# Settings that `alter role authenticator set pgrst.<name>` may override, as field of Config.
IN_DATABASE: Final = ("db_schemas", "db_anon_role", "jwt_secret", "openapi_mode", "log_level")

# PostgREST's words for all addresses of the machine.
_ADDRESSES: Final = {
    "*": "0.0.0.0",  # noqa: S104 - that is what the word means
    "*4": "0.0.0.0",  # noqa: S104 - as above
    "!4": "0.0.0.0",  # noqa: S104 - as above
    "*6": "::",
    "!6": "::",
}


class ConfigError(Exception):
    """A variable that cannot be understood: the message names it and what it may be."""


@dataclass(frozen=True, slots=True)
class Config:
    """Effective configuration of one process."""

    db_uri: str
    db_schemas: tuple[str, ...]
    db_anon_role: str | None
    db_channel: str
    db_channel_enabled: bool
    db_pool: int
    db_plan_enabled: bool
    jwt_secret: str | None
    openapi_mode: OpenApiMode
    log_level: str
    server_host: str
    server_port: int
    admin_server_host: str
    admin_server_port: int | None
    query_sleep: float
    """Seconds that the catalog query is slowed down by; for tests."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables. Raises ConfigError for one that is missing or makes no sense."""
        get = environment.get
        if not (uri := get("PGRST_DB_URI")):
            raise ConfigError("PGRST_DB_URI is not set: give it a libpq connection string")
        host = get("PGRST_SERVER_HOST", "!4")
        admin_host = get("PGRST_ADMIN_SERVER_HOST", host)
        admin_port = get("PGRST_ADMIN_SERVER_PORT")
        return cls(
            db_uri=uri,
            db_schemas=_schemas(get("PGRST_DB_SCHEMAS") or get("PGRST_DB_SCHEMA") or "public"),
            db_anon_role=get("PGRST_DB_ANON_ROLE") or None,
            db_channel=get("PGRST_DB_CHANNEL", "pgrst"),
            db_channel_enabled=get("PGRST_DB_CHANNEL_ENABLED", "true").lower() != "false",
            db_pool=_number(environment, "PGRST_DB_POOL", "10"),
            db_plan_enabled=get("PGRST_DB_PLAN_ENABLED", "false").lower() == "true",
            jwt_secret=get("PGRST_JWT_SECRET") or None,
            openapi_mode=_openapi_mode(get("PGRST_OPENAPI_MODE", "follow-privileges")),
            log_level=get("PGRST_LOG_LEVEL", "error"),
            server_host=_ADDRESSES.get(host, host),
            server_port=_number(environment, "PGRST_SERVER_PORT", "3000"),
            admin_server_host=_ADDRESSES.get(admin_host, admin_host),
            admin_server_port=_number(environment, "PGRST_ADMIN_SERVER_PORT", "0")
            if admin_port
            else None,
            query_sleep=_number(environment, "PGRST_INTERNAL_SCHEMA_CACHE_QUERY_SLEEP", "0") / 1000,
        )

    def overridden_by(self, settings: Mapping[str, str]) -> Self:
        """The same with settings kept in the database, which win over the environment."""
        changed: dict[str, object] = {k: v for k, v in settings.items() if k in IN_DATABASE}
        if "db_schemas" in settings:
            changed["db_schemas"] = _schemas(settings["db_schemas"])
        return replace(self, **changed)  # type: ignore[arg-type]  # names are checked by IN_DATABASE


def _schemas(text: str) -> tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def _number(environment: Mapping[str, str], name: str, default: str) -> int:
    text = environment.get(name, default)
    try:
        return int(text)
    except ValueError:
        raise ConfigError(f"{name} is {text!r}: it must be a whole number") from None


def _openapi_mode(text: str) -> OpenApiMode:
    if text not in get_args(OpenApiMode):
        raise ConfigError(f"PGRST_OPENAPI_MODE is {text!r}: use {', '.join(get_args(OpenApiMode))}")
    return cast("OpenApiMode", text)
