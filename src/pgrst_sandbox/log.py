"""PostgREST's log: events on standard error, the access log on standard output."""

import json
import sys
import time


def say(text: str) -> None:
    """Write the events of a text, one a line, with the clock in front, at once."""
    now = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
    sys.stderr.write("".join(f"{now}: {line}\n" for line in text.splitlines()))
    sys.stderr.flush()


def access(peer: str, role: str, request: str, status: int, size: int | str, agent: str) -> None:
    """Write one request in the combined log format. `request` is `METHOD target HTTP/1.1`."""
    now = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
    sys.stdout.write(f'{peer} - {role} [{now}] "{request}" {status} {size} "" "{agent}"\n')
    sys.stdout.flush()


def compact(value: object) -> str:
    """JSON without spaces, as PostgREST writes it everywhere."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
