"""What the text of an input says: addresses, durations, flags, headers.

Each reader takes a text and gives its value, or raises `ValueError` that says what would be right.
The grammar of expectations is in `pgrst_gate.expectations.inline`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from os.path import normpath
from pathlib import PurePath
from typing import Final, cast, get_args
from urllib.parse import urlsplit

from pgrst_gate.errors import nearest
from pgrst_gate.report import JSON_REPORT, Format, ReportFile

LONGEST_TIMEOUT: Final = 30 * 60.0
SHORTEST_SECRET: Final = 32
FAILURES: Final = ("1", "2", "3", "4")
"""The exit codes of runs that failed."""
_JWT: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0}
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 1123's subdomain, as Kubernetes takes it.
_NAME_OF_OBJECT: Final = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")
_SSH_HOST: Final = re.compile(
    r"ssh://(\w[\w.+-]*@)?(\w[\w.-]*|\[[\da-fA-F:.]+\])(:\d{1,5})?/?", re.ASCII
)
_FLAGS: Final = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(
    ("false", "no", "off", "0"), False
)


def text(given: str) -> str:
    """The text without surrounding white space."""
    return given.strip()


def words(given: str) -> tuple[str, ...]:
    """Words separated by commas or white space, each once."""
    return tuple(dict.fromkeys(filter(None, re.split(r"[,\s]+", given))))


def comment_id(given: str) -> str:
    """A short name that can stand in a comment of HTML."""
    if not re.fullmatch(r"[A-Za-z0-9._/ -]{0,60}", given.strip()) or "--" in given:
        raise ValueError("expected at most 60 letters, digits, spaces, dots, slashes and hyphens")
    return given.strip()


def report_files(given: str) -> tuple[ReportFile, ...]:
    """`json=path, junit=path`; a path by itself is that of the JSON report."""
    found: dict[str, ReportFile] = {}
    for part in filter(None, map(str.strip, re.split(r"[,\n]", given))):
        before, equals, after = part.partition("=")
        name, path = (before.strip(), after.strip()) if equals else ("json", part)
        one_of(get_args(Format))(name)
        if not path:
            raise ValueError(f"`{name}=` lacks its path, as in {name}=reports/gate")
        if not path.isprintable():
            raise ValueError("a path holds a character that does not print")
        if name != "json" and PurePath(path).name == JSON_REPORT:
            raise ValueError(f"{JSON_REPORT} is the name of the JSON report")
        if name in found:
            raise ValueError(f"the format {name} is given twice")
        place = normpath(path)
        if place in {normpath(other.path) for other in found.values()} and not path.endswith("/"):
            raise ValueError(f"two formats have the path {path} (a directory ends with /)")
        found[name] = ReportFile(cast("Format", name), path)
    return tuple(found.values())


def http_url(given: str) -> str:
    """An http or https address, without a slash at its end."""
    found = urlsplit(given.strip())
    if found.scheme not in {"http", "https"} or not found.hostname:
        raise ValueError("expected an http:// or https:// address, such as http://localhost:3000")
    if found.username or found.password:
        raise ValueError("an address may hold no user or password: use `headers` or `token`")
    if found.query or found.fragment:
        raise ValueError("expected the API's base address, without `?` and `#`")
    try:
        _ = found.port
    except ValueError as error:
        raise ValueError("the port is not a number from 0 to 65535") from error
    return given.strip().rstrip("/")


def http_urls(given: str) -> tuple[str, ...]:
    """Addresses as `http_url` takes them, one a line."""
    return tuple(dict.fromkeys(map(http_url, given.split())))


def ssh_host(given: str) -> str:
    """An ssh address, in the form that ssh(1) takes; its parts hold nothing a shell would read."""
    if not given.strip() or _SSH_HOST.fullmatch(given.strip()):
        return given.strip().rstrip("/")
    if re.match(r"ssh://[^@/]*:[^@/]*@", given.strip()):
        raise ValueError("it may hold no password: give a key by `ssh-key`, or use an agent")
    raise ValueError("expected an ssh:// address, such as ssh://deploy@staging:22")


def headers(given: str) -> dict[str, str]:
    """One `Name: value` a line."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, given.splitlines())):
        name, colon, value = line.partition(":")
        if not colon or not _HEADER_NAME.fullmatch(name.strip()):
            raise ValueError("expected one `Name: value` a line")
        found[name.strip()] = value.strip()
    return found


def tokens(given: str) -> dict[str, str]:
    """One `role: JWT` a line, each role once."""
    found: dict[str, str] = {}
    for number, line in enumerate(given.splitlines(), 1):
        role, colon, token = (part.strip() for part in line.partition(":"))
        if not line.strip():
            continue
        if not (role and colon and _JWT.fullmatch(token)):
            raise ValueError(f"line {number}: expected one `role: JWT` a line")
        if role in found:
            raise ValueError(f"line {number}: `{role}` is given twice")
        found[role] = token
    return found


def jwt_secret(given: str) -> str:
    """A secret that signs by HS256; PostgREST takes none of less than 32 characters."""
    secret = given.strip()
    if secret and len(secret) < SHORTEST_SECRET:
        raise ValueError(
            f"expected PostgREST's `jwt-secret`, at least {SHORTEST_SECRET} characters"
        )
    if secret.startswith("{"):
        raise ValueError("a JSON Web Key signs nothing here: give the tokens in `role-tokens`")
    return secret


def whole_number(given: str) -> int:
    """A whole number from 1 up."""
    if not re.fullmatch(r"\d{1,10}", given.strip()) or int(given) < 1:
        raise ValueError("expected a whole number from 1 up")
    return int(given)


def timeout(given: str) -> float:
    """A duration of at most `LONGEST_TIMEOUT`, in seconds."""
    seconds = _seconds(given)
    if not 0 < seconds <= LONGEST_TIMEOUT:
        raise ValueError("expected more than 0 and at most 30m")
    return seconds


def interval(given: str) -> float:
    """A duration from 10 ms to a minute, in seconds."""
    seconds = _seconds(given)
    if not _UNITS["ms"] * 10 <= seconds <= _UNITS["min"]:
        raise ValueError("expected 10ms to 60s")
    return seconds


def settle(given: str) -> float:
    """A duration of at most ten minutes, in seconds; `0` for none."""
    seconds = _seconds(given)
    if seconds > _UNITS["min"] * 10:
        raise ValueError("expected 0 to 10m")
    return seconds


def _seconds(given: str) -> float:
    found = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)\s*(ms|s|m|min)?", given.strip())
    if not found:
        raise ValueError("expected a duration, such as 90, 90s, 500ms or 2m")
    return float(found[1]) * _UNITS[found[2] or "s"]


def flag(given: str) -> bool:
    """True or false, in any of YAML's words for them."""
    if given.strip().lower() not in _FLAGS:
        raise ValueError("expected true or false")
    return _FLAGS[given.strip().lower()]


def command(given: str) -> str:
    """A command line that splits into words as a shell would split it."""
    try:
        shlex.split(given)
    except ValueError as error:
        raise ValueError(f"the command does not read: {error}") from error
    return given.strip()


def failures(given: str) -> tuple[int, ...]:
    """Some of `FAILURES`."""
    named = words(given)
    if not named or set(named) - set(FAILURES):
        raise ValueError(f"expected some of {', '.join(FAILURES)}")
    return tuple(map(int, named))


def workload(given: str) -> str:
    """Something that runs pods: a deployment or statefulset by its name, or pods by labels."""
    kind, slash, name = given.strip().partition("/")
    if not given.strip():
        return ""
    named = kind in {"deployment", "statefulset"} and _NAME_OF_OBJECT.fullmatch(name)
    labelled = kind == "pods" and "=" in name and not re.search(r"\s=|=\s|/.*/", name)
    if not slash or not (named or labelled):
        raise ValueError(
            "expected deployment/NAME, statefulset/NAME or pods/LABEL=VALUE, such as"
            " deployment/postgrest"
        )
    return given.strip()


def one_of(choices: Iterable[str]) -> Callable[[str], str]:
    """A reader of one of the choices."""
    known = tuple(choices)

    def read(given: str) -> str:
        if given.strip() not in known:
            raise ValueError(f"expected one of {', '.join(known)}{nearest(given, known)}")
        return given.strip()

    return read
