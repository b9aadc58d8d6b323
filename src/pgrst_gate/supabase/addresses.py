"""What Supabase's addresses say: which project they are of, and how its database is reached.

Facts are those of Supabase's guide on connecting to Postgres: the direct host answers on IPv6 only
unless IPv4 is paid for; the number and the region in a pooler's host cannot be worked out.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

MANAGEMENT_API: Final = "https://api.supabase.com"

_REF: Final = re.compile(r"[a-z]{20}")
_API: Final = re.compile(r"([a-z]{20})\.supabase\.co")
_DIRECT: Final = re.compile(r"db\.([a-z]{20})\.supabase\.co")


def project_ref(given: str) -> str:
    """A project's ref: 20 lower-case letters."""
    if given.strip() and not _REF.fullmatch(given.strip()):
        raise ValueError(
            "expected the 20 lower-case letters that a project's address begins with:"
            " https://<ref>.supabase.co"
        )
    return given.strip()


def api_url(ref: str) -> str:
    """Where the REST API of a hosted project is."""
    return f"https://{ref}.supabase.co/rest/v1"


def ref_of_api(url: str) -> str:
    """The project whose API this is; empty for an address that does not say."""
    found = _API.fullmatch(urlsplit(url).hostname or "")
    return found[1] if found else ""


def ref_of_database(host: str) -> str:
    """The project whose direct database host this is; empty for any other host."""
    found = _DIRECT.fullmatch(host.strip().lower())
    return found[1] if found else ""


def local_admin_url(url: str) -> str:
    """Where `supabase start` would publish the admin server of this API; empty for no such API.

    Beside it, on the gateway's port, without a key (supabase/cli
    apps/cli-go/internal/start/templates/kong.yml).
    """
    before, found, after = url.rstrip("/").rpartition("/rest/v1")
    return f"{before}/rest-admin/v1" if found and not after else ""


def dashboard(ref: str) -> str:
    """Where people look after a project."""
    return f"https://supabase.com/dashboard/project/{ref}"


def instead_of_direct(ref: str) -> str:
    """What to type where the direct database host cannot be reached."""
    return (
        "this host answers on IPv6 only, which GitHub's runners lack, unless IPv4 is paid for: give"
        f" the session pooler, postgresql://postgres.{ref}:<password>@aws-<n>-<region>"
        ".pooler.supabase.com:5432/postgres (copy its host from Connect in the dashboard, it"
        f" cannot be guessed); or `runtime: supabase` with `project-ref: {ref}` and `access-token`."
        " A paused project has no host at all"
    )
