"""What was found wrong, or worth knowing, about a server, its database or its migrations.

A finding is of the whole set-up, as a verdict is of one item. Those who look make findings;
reporters show them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["broken", "risk", "note"]
"""`broken`: clients meet it now. `risk`: the next migration, or an outsider, will. `note`: worth
knowing, nothing to mend."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, how it was told, and what to type."""

    subject: str
    """What kind of thing it is: `listener`, `statement-timeout`; its section in the docs."""
    severity: Severity
    text: str
    """One sentence that names the thing itself; untrusted where it quotes names."""
    told: tuple[str, ...] = ()
    """The questions and answers it rests on; untrusted."""
    remedy: str = ""
    """SQL or a command as it can be typed; empty where there is nothing to mend."""
    place: str = ""
    """`file:line`, where it is about a migration; empty otherwise."""
