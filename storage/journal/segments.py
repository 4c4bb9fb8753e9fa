"""Segment files of the journal, as bytes: framing one line, and reading many.

A line is `<checksum> <JSON>\\n`: the checksum is the first 16 hex digits of the BLAKE3
of the JSON, which is pure ASCII and begins with the line's counter. A line is read whole or
not at all. Pure: bytes in, values out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum

from blake3 import blake3

from assetctl.lineage.facts.records import Fact
from assetctl.storage.journal.wire import from_json, to_json
from assetctl.storage.journal.wire_parts import Json
from assetctl.storage.state.malformed import MALFORMED

SUFFIX = ".log"
_CHECKSUM_LENGTH = 16
_FRAME_LENGTH = _CHECKSUM_LENGTH + 2  # the space and the newline
GREATEST_COUNTER = (
    10**15
)  # no journal gets there; a line that claims more is wrong, and must not decide where others go
_COUNTER_DIGITS = len(str(GREATEST_COUNTER))
_encode_json = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Line:
    """One good line: its counter and its JSON text; `end` is the offset just after it."""

    counter: int
    payload: bytes
    end: int

    @property
    def start(self) -> int:
        return self.end - len(self.payload) - _FRAME_LENGTH


class NotReadable(Exception):
    """A fact would not be read back as it is: a bug, seen before anything of it is written."""


class Flaw(Enum):
    """Why bytes of a segment are not a fact."""

    UNFINISHED = "unfinished"  # the line has no end: a write that was cut off, or that goes on
    DAMAGED = "damaged"  # the line was written as a whole, and is bad now
    NEWER = "newer"  # a good line, of a kind or version that this release does not know


@dataclass(frozen=True, slots=True)
class LineProblem:
    """Bytes of a segment that are not a fact. `offset` is where they begin; `what` describes them to people.

    `is_tail` says that nothing good follows.
    """

    segment: str
    offset: int
    what: str
    is_tail: bool
    flaw: Flaw = Flaw.DAMAGED

    @property
    def is_newer(self) -> bool:
        return self.flaw is Flaw.NEWER

    @property
    def is_damage(self) -> bool:
        return self.flaw is Flaw.DAMAGED


@dataclass(frozen=True, slots=True)
class Reading:
    """What a stretch of a segment holds; `end` is the offset after the last good line."""

    lines: tuple[Line, ...]
    end: int
    problems: tuple[LineProblem, ...]


def frame(fact: Fact, counter: int) -> bytes:
    """Return the line of a fact, read again to see that it says the same.

    Raises:
        OverflowError: the counter is greater than a reader believes.
        NotReadable: a reader would take the line for another fact, or for none.
    """
    if not 0 < counter <= GREATEST_COUNTER:
        raise OverflowError(f"the counter {counter} is out of range")
    payload = _encode_json({"c": counter, **to_json(fact)}).encode("ascii")
    kind = type(fact).__name__
    try:
        again = from_json(parse_json(payload))
    except MALFORMED as cause:
        raise NotReadable(f"a record of the kind {kind} could not be read back: {cause}") from cause
    if again != fact and repr(to_json(again)) != repr(to_json(fact)):  # a number that is none differs from itself
        raise NotReadable(f"a record of the kind {kind} would be read back as another")
    return b"%s %s\n" % (_checksum(payload), payload)


def parse_json(payload: bytes) -> Json:
    """Return the JSON object of a good line."""
    record = json.loads(payload)
    if not isinstance(record, dict):
        raise TypeError("not a JSON object")
    return record


def read_lines(segment: str, data: bytes, start: int) -> Reading:
    """Return the good lines of `data`, which begins at offset `start` of the segment.

    Bad lines followed by a good one are skipped and reported; bad or unfinished bytes at
    the tail are reported and not passed, since their writer may still complete them.
    """
    lines: list[Line] = []
    problems: list[LineProblem] = []
    bad: list[tuple[int, str, Flaw]] = []
    at, stop = 0, len(data)
    while at < stop:
        newline = data.find(b"\n", at)
        if newline < 0:
            is_cut = _good_line(data[at:-1], stop) is None  # otherwise it is its newline that changed
            if is_cut:
                bad.append((start + at, "an unfinished line", Flaw.UNFINISHED))
            else:
                bad.append((start + at, "a line whose end is damaged", Flaw.DAMAGED))
            break
        line = _good_line(data[at:newline], start + newline + 1)
        if line is None:
            bad.append(
                (start + at, "a line whose checksum does not match, or whose place cannot be right", Flaw.DAMAGED)
            )
        else:
            problems.extend(LineProblem(segment, offset, what, False, flaw) for offset, what, flaw in bad)
            bad.clear()
            lines.append(line)
        at = newline + 1
    problems.extend(LineProblem(segment, offset, what, True, flaw) for offset, what, flaw in bad)
    return Reading(tuple(lines), lines[-1].end if lines else start, tuple(problems))


def last_counter(data: bytes) -> int | None:
    """Return the counter of the last good line in the tail of a segment, None if it holds none.

    The first line of `data` may be cut off at its front; it is then not good.
    """
    end = len(data)
    while end > 0:
        newline = data.rfind(b"\n", 0, end)
        if newline < 0:
            return None
        before = data.rfind(b"\n", 0, newline)
        line = _good_line(data[before + 1 : newline], newline)
        if line is not None:
            return line.counter
        end = newline
    return None


def _checksum(payload: bytes) -> bytes:
    return blake3(payload).hexdigest(_CHECKSUM_LENGTH // 2).encode("ascii")


def _good_line(line: bytes, end: int) -> Line | None:
    payload = line[_CHECKSUM_LENGTH + 1 :]
    if line[_CHECKSUM_LENGTH : _CHECKSUM_LENGTH + 1] != b" " or _checksum(payload) != line[:_CHECKSUM_LENGTH]:
        return None
    counter = payload[len(b'{"c":') : payload.find(b",")]
    if not counter.isdigit() or len(counter) > _COUNTER_DIGITS or int(counter) > GREATEST_COUNTER:
        return None
    return Line(int(counter), payload, end)
