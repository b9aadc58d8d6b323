"""How GitHub's runner hides secrets in a log (actions/runner src/Runner.Common/HostContext.cs)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import quote
from xml.sax.saxutils import escape

HIDDEN = "***"


class Masks:
    """The secrets of a job, each with the encodings in which the runner recognises it."""

    def __init__(self) -> None:
        self._forms: set[str] = set()

    def add(self, secret: str) -> None:
        """Hide a secret, and each line of it, from now on."""
        for value in {secret, *(line.strip() for line in re.split(r"[\r\n]+", secret))}:
            if value.strip():
                self._forms.update(_encodings(value))

    def hide(self, text: str) -> str:
        """The text with stars for each stretch that secrets cover, overlapping ones as one."""
        spans = sorted(
            (found.start(), found.start() + len(form))
            for form in self._forms
            for found in re.finditer(f"(?={re.escape(form)})", text)
        )
        shown, end = "", 0
        for start, stop in spans:
            if start > end or end == 0:
                shown += text[end:start] + HIDDEN
            end = max(end, stop)
        return shown + text[end:]


def _encodings(secret: str) -> Iterator[str]:
    data = secret.encode()
    yield secret
    for shift in range(min(3, len(data))):
        yield base64.b64encode(data[shift:]).decode()
    yield quote(secret, safe="-_.~")
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield escape(secret, {'"': "&quot;", "'": "&apos;"})
    yield secret.replace('"', '\\"')
    yield secret.replace("'", "''")
    if len(secret) > 8 and secret[0] == secret[-1] == '"':
        yield secret[1:-1]
