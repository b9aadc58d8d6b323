"""A listener that is connected and hears nothing: as behind a pooler in transaction mode.

PostgREST's LISTEN is answered, `pg_stat_activity` shows it, and no notification arrives.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgrst_sandbox.faults.tcp import PIECE_BYTES, forwarding

_NOTIFICATION: Final = b"A"
_HEADER_BYTES: Final = 5
"""The type of a message, and its length, which counts itself (PostgreSQL's protocol, 3.0)."""


@contextmanager
def deaf(dsn: str) -> Iterator[str]:
    """The same database by another address, where notifications are lost on the way back.

    It speaks no TLS and no GSS encryption.
    """
    port = int(str(conninfo_to_dict(dsn)["port"]))
    with forwarding(lambda: port, _without_notifications) as own:
        yield make_conninfo(dsn, port=own, sslmode="disable", gssencmode="disable")


def _without_notifications(source: socket.socket, sink: socket.socket) -> None:
    pending = b""
    while data := source.recv(PIECE_BYTES):
        pending += data
        kept = b""
        while len(pending) >= _HEADER_BYTES:
            size = 1 + int(struct.unpack("!I", pending[1:_HEADER_BYTES])[0])
            if len(pending) < size:
                break
            if pending[:1] != _NOTIFICATION:
                kept += pending[:size]
            pending = pending[size:]
        sink.sendall(kept)
