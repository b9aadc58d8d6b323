"""Errors as PostgREST answers them: code, status and the four keys of the body."""

from typing import Final

from pgrst_sandbox.connection import ConnectFailed, ConnectionLost, DatabaseError, Trouble
from pgrst_sandbox.dialect import Dialect
from pgrst_sandbox.log import compact, say
from pgrst_sandbox.wording import Wording

_SERVER_ERRORS: Final = 500
_STATUS_OF_SQLSTATE: Final = {
    "23503": 409,
    "23505": 409,
    "25006": 405,
    "21000": 500,
    "42883": 404,
    "42P01": 404,
    "42P17": 500,
    "42501": 403,
    "57P01": 503,
    "P0001": 400,
}
_STATUS_OF_CLASS: Final = {
    "08": 503,
    "09": 500,
    "0L": 403,
    "0P": 403,
    "25": 500,
    "28": 403,
    "2D": 500,
    "38": 500,
    "39": 500,
    "3B": 500,
    "40": 500,
    "53": 503,
    "54": 500,
    "55": 500,
    "57": 500,
    "58": 500,
    "F0": 500,
    "HV": 500,
    "P0": 500,
    "XX": 500,
}


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: object = None,
        hint: str | None = None,
        authenticate: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.authenticate = authenticate
        """The `WWW-Authenticate` header."""
        self.body = compact({"code": code, "details": details, "hint": hint, "message": message})


class NotFound(ApiError):
    """404 with an empty object: what older versions say of paths and relations they do not know."""

    def __init__(self) -> None:
        super().__init__(404, "", "Not Found")
        self.body = "{}"


def no_cache() -> ApiError:
    """503 PGRST002: there is no schema cache."""
    return ApiError(503, "PGRST002", "Could not query the database for the schema cache. Retrying.")


def of_database(error: Trouble, dialect: Dialect, *, anonymous: bool = False) -> ApiError:
    """The answer for what went wrong between PostgREST and PostgreSQL."""
    match error:
        case ConnectFailed():
            return ApiError(503, "PGRST000", dialect.no_connection, str(error))
        case ConnectionLost():
            return ApiError(
                503, "PGRST001", "Database client error. Retrying the connection.", str(error)
            )
        case DatabaseError():
            status = _status(error, dialect, anonymous=anonymous)
            return ApiError(
                status, error.sqlstate, error.message, error.details, error.hint,
                "Bearer" if status == 401 else None,  # noqa: PLR2004 - Unauthorized
            )  # fmt: skip


def log_error(error: ApiError, wording: Wording) -> None:
    """Log an error as such, if it is the server's own; not that there is no connection."""
    logged = wording.logs_no_cache if error.code == "PGRST002" else wording.logs_errors
    if logged and error.status >= _SERVER_ERRORS and error.code != "PGRST000":
        say(error.body)


def _status(error: DatabaseError, dialect: Dialect, *, anonymous: bool) -> int:
    if error.sqlstate == "42501" and anonymous:
        return 401
    if error.sqlstate == "22023" and error.message.startswith("role "):
        return 401 if dialect.unauthorized_without_role else 400
    if error.sqlstate.startswith("PT") and error.sqlstate[2:].isdecimal():
        return int(error.sqlstate[2:])
    whole, part = error.sqlstate, error.sqlstate[:2]
    return (
        dialect.statuses.get(whole)
        or _STATUS_OF_SQLSTATE.get(whole)
        or dialect.statuses.get(part)
        or _STATUS_OF_CLASS.get(part, 400)
    )
