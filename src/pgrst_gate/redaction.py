"""Secrets, which nothing that is printed, written or rendered may hold.

The runner masks its log by itself, once told to (`pgrst_gate.workflow`). Files, outputs and every
other place are masked here, before a reporter sees the text.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote, unquote

from pgrst_gate.untrusted import plain

Value = TypeVar("Value")

STARS: Final = "***"
SHORTEST: Final = 4
"""Characters. Masking anything shorter would blot out half of the log, and protect nobody."""
NOT_SECRET: Final = frozenset({"postgres"})
"""The password of every database in a CI job; masked, no log could say `postgrest` any more."""

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# Up to the last `@` before the path; and up to the last of all, for a `/` that was not encoded.
_USER_INFO = (re.compile(r"://([^/?#]*)@"), re.compile(r"://(.*)@"))
_PASSWORD = re.compile(r"\bpassword\s*=\s*('[^']*'|[^\s&']+)", re.IGNORECASE)


class Secrets:
    """The values to keep out of sight, with the other forms in which they get about."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        """Give the values as they were written: keys, tokens, values of headers, database URLs.

        Of a URL only the password is a secret; of a web address a user without one, too.
        """
        self.values: Final = tuple(dict.fromkeys(_parts(values)))
        """Each secret once, in the order given: what the runner is to mask."""
        forms = {form for value in self.values for form in _forms(value) if len(form) >= SHORTEST}
        longest_first = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
        self._first = re.compile(longest_first) if forms else None
        # A look-ahead, for two secrets may overlap in a text and neither may be left in part.
        self._each = re.compile(f"(?=({longest_first}))")

    def __repr__(self) -> str:
        return f"<Secrets: {len(self.values)}>"

    def redact(self, text: str) -> str:
        """The text as `untrusted.plain` gives it, with stars for each secret.

        In that order, for a secret may hide behind characters that do not print.
        """
        text = plain(text)
        if self._first is None or not self._first.search(text):
            return text
        shown: list[str] = []
        end = 0
        for found in self._each.finditer(text):
            if found.start() >= end:
                shown += (text[end : found.start()], STARS)
            end = max(end, found.end(1))
        return "".join(shown) + text[end:]

    def redacted(self, value: Value) -> Value:
        """The value, of frozen dataclasses, tuples and texts, with all of its texts redacted."""
        return cast("Value", self._redacted(value))

    def _redacted(self, value: Any) -> Any:  # noqa: ANN401  # what it gives is of the type it got
        if type(value) is str:  # not an enumeration: its words are ours
            return self.redact(value)
        if isinstance(value, tuple):
            return tuple(map(self._redacted, value))
        if not is_dataclass(value) or isinstance(value, type):
            return value
        parts = [(field.name, getattr(value, field.name)) for field in fields(value)]
        # Hardly anything changes, and a report may have many thousands of parts: copy what does.
        changed = {name: new for name, old in parts if (new := self._redacted(old)) != old}
        return replace(value, **changed) if changed else value


def _parts(values: Iterable[str]) -> Iterator[str]:
    """The secret parts of the values, without those that it would only harm to mask."""
    for value in values:
        for line in map(str.strip, value.splitlines()):
            for part in _parts_of_url(line) if _URL.match(line) else _parts_of_line(line):
                if len(part) >= SHORTEST and part not in NOT_SECRET:
                    yield part


def _parts_of_url(line: str) -> Iterator[str]:
    for pattern in _USER_INFO:
        if found := pattern.search(line):
            user, _, password = found[1].partition(":")
            if password and password not in NOT_SECRET:
                # The last one for its base64, which is how HTTP's Basic sends it.
                yield from (password, unquote(password), unquote(found[1]))
            elif not password and line.lower().startswith("http"):
                # A token. In a database's URL it is a name that everybody may know.
                yield from (user, unquote(user))
    yield from _passwords_by_name(line)


def _parts_of_line(line: str) -> Iterator[str]:
    yield line
    scheme, _, credentials = line.partition(" ")
    if scheme.isalpha():  # `Bearer ...`: the header's value is a secret, and so is the token alone
        yield credentials.strip()
    yield from _passwords_by_name(line)


def _passwords_by_name(line: str) -> Iterator[str]:
    """From a query or from libpq's `name=value` form."""
    for found in _PASSWORD.finditer(line):
        yield found[1].strip("'")
        yield unquote(found[1].strip("'"))


def _forms(value: str) -> Iterator[str]:
    yield plain(value)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield quote(value, safe="", errors="replace")
    yield base64.b64encode(value.encode("utf-8", "replace")).decode()
