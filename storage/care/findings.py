"""What examining a state folder can find: one thing that is wrong, how bad it is, and what to do.

An error means that recorded facts or bytes are damaged; a warning, that something is in
the way, or was lost and will be rebuilt; a note, that something could be tidied up.
"""

from __future__ import annotations

from dataclasses import dataclass

ERROR, WARNING, NOTE = "error", "warning", "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: how bad ("error", "warning", "note"), what, where, and what to do."""

    severity: str
    what: str
    where: str
    hint: str
