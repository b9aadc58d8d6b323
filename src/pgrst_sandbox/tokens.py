"""Who asks: the role and claims of a bearer token (HS256), or the anonymous role."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import jwt

from pgrst_sandbox.dialect import Dialect
from pgrst_sandbox.errors import ApiError
from pgrst_sandbox.log import compact

_PARTS: Final = 3
_SKEW_SECONDS: Final = 30
_BAD_SIGNATURE: Final = "JWSInvalidSignature"


@dataclass(frozen=True, slots=True)
class Caller:
    """The database role of a request, its claims as JSON, and whether there was no token."""

    role: str
    claims: str
    anonymous: bool


def caller(
    authorization: str | None, secret: str | None, anonymous_role: str | None, dialect: Dialect
) -> Caller:
    """Read the `Authorization` header. Raises ApiError PGRST300, 301, 302 or 303."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        if anonymous_role is None:
            raise _unauthorized("PGRST302", "Anonymous access is disabled", plain=True)
        return _anonymous(anonymous_role)
    if secret is None:
        raise ApiError(500, "PGRST300", "Server lacks JWT secret")
    claims = _claims(token.strip(), secret, diagnose=dialect.diagnoses_tokens)
    _check_times(claims, "PGRST303" if dialect.diagnoses_tokens else "PGRST301")
    role = claims.get("role", anonymous_role)
    if role is None:
        raise _unauthorized("PGRST302", "Anonymous access is disabled", plain=True)
    return Caller(str(role), compact(claims), anonymous=False)


@lru_cache
def _anonymous(role: str) -> Caller:
    return Caller(role, compact({"role": role}), anonymous=True)


@lru_cache(maxsize=256)
def _claims(token: str, secret: str, *, diagnose: bool) -> Mapping[str, Any]:
    """What a token says. `diagnose` has PostgREST's words for errors, else those of its library."""
    parts = token.count(".") + 1
    if not token and diagnose:
        raise _unauthorized("PGRST301", "Empty JWT is sent in Authorization header")
    if parts != _PARTS:
        expected = f"Expected {_PARTS} parts{' in JWT' if diagnose else ''}; got {parts}"
        in_full = f"JWSError (CompactDecodeError Invalid number of parts: {expected})"
        raise _unauthorized("PGRST301", expected if diagnose else in_full)
    try:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            options={
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
            },
        )
    except jwt.InvalidTokenError as error:
        message = "JWT cryptographic operation failed"
        if not diagnose:
            undecodable = type(error) is jwt.DecodeError
            reason = '(JSONDecodeError "Not valid base64url")' if undecodable else _BAD_SIGNATURE
            message = f"JWSError {reason}"
        raise _unauthorized("PGRST301", message) from error
    return claims


def _check_times(claims: Mapping[str, Any], code: str) -> None:
    now = time.time()
    for claim in ("exp", "nbf", "iat"):
        if not isinstance(claims.get(claim, now), int | float):
            raise _unauthorized(code, f"The JWT '{claim}' claim must be a number")
    if claims.get("exp", now) < now - _SKEW_SECONDS:
        raise _unauthorized(code, "JWT expired")
    if claims.get("nbf", now) > now + _SKEW_SECONDS:
        raise _unauthorized(code, "JWT not yet valid")
    if claims.get("iat", now) > now + _SKEW_SECONDS:
        raise _unauthorized(code, "JWT issued at future")


def _unauthorized(code: str, message: str, *, plain: bool = False) -> ApiError:
    quoted = message.replace('"', '\\"')
    described = f'Bearer error="invalid_token", error_description="{quoted}"'
    return ApiError(401, code, message, authenticate="Bearer" if plain else described)
