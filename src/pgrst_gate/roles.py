"""How the gate becomes a role: by a token that it was given, one that it makes, or none at all."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Final

from pgrst_gate.diagnosis import role_of
from pgrst_gate.inputs import Inputs
from pgrst_gate.postgrest.client import Credentials

ANONYMOUS: Final = ("anon", "anonymous")
"""Who sends no token, whatever PostgREST's `db-anon-role` is called."""

LIFETIME: Final = 300
"""Seconds that a token lasts which is made here: the clocks of two machines may differ."""


def credentials(inputs: Inputs, role: str) -> Credentials | None:
    """What to send to be the role, besides the API's key; None where there is no way.

    A token in `headers` is left out: it would make the same role of all.
    """
    token = _token(inputs, role)
    if token is None:
        return None
    headers = {k: v for k, v in inputs.headers.items() if k.lower() != "authorization"}
    return Credentials(inputs.api_key, token, headers)


def no_way(inputs: Inputs, role: str) -> str:
    """What to say of a role for which `credentials` has none."""
    ways = f"give its token in `role-tokens` (`{role}: <JWT>`)"
    if role in ANONYMOUS and not is_for_anybody(inputs.api_key):
        return (
            f"`access` has rules on {role}, and `api-key` makes every request that of another role:"
            f" give one that anybody may have, or {ways.removeprefix('give ')}"
        )
    return f"`access` has rules on {role}, which the gate cannot be: {ways}, or `jwt-secret`"


def _token(inputs: Inputs, role: str) -> str | None:
    """The role's token; empty where none is to be sent, None where there is no way to be it."""
    if given := inputs.role_tokens.get(role):
        return given
    for key in (inputs.token, inputs.api_key):
        if role_of(key) == role:
            return key
    if role in ANONYMOUS and is_for_anybody(inputs.api_key):
        return ""
    if role == "anonymous" or not inputs.jwt_secret:
        return None
    return signed({"role": role}, inputs.jwt_secret)


def is_for_anybody(api_key: str) -> bool:
    """Whether a request with this key and no token is that of the anonymous role.

    Supabase's gateway makes a token of a secret key; and a key that is a JWT is one.
    """
    if api_key.startswith("sb_"):
        return api_key.startswith("sb_publishable_")
    return role_of(api_key) in {"", *ANONYMOUS}


def signed(claims: Mapping[str, object], secret: str) -> str:
    """A JWT by HS256 (RFC 7515, 7518), good for `LIFETIME` from now.

    Ten lines of the standard library: nothing is verified here, which is what a library is for.
    """
    expires = {"exp": int(time.time()) + LIFETIME}
    parts = ({"alg": "HS256", "typ": "JWT"}, {**claims, **expires})
    text = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
    mark = hmac.digest(secret.encode(), text.encode(), "sha256")
    return f"{text}.{_encoded(mark)}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
