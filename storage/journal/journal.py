"""The journal on disk: append-only segments, one file per process; everything else is derived from it.

A segment is written by the process that created it and by nobody else, one `write` per
call, so a reader sees whole lines or an unfinished tail. One line is the unit of belief:
a batch is readable line by line, and a step with several outputs is one line. When a
write fails, what it left is cut off, the segment is never written again (a reader may
have seen its bytes), and nothing of that call counts. A new process, also a forked one,
begins a new segment at its first append; a process that appends nothing leaves no file.

Order is (counter, segment). A counter is one more than the greatest in any segment, read
again from their tails before each append; it says "after what I had seen", whatever the
clocks say. A writer locks its segment while it lives, so that finished segments are
looked at once, however many there are.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assetctl.assets.errors import EnvironmentFault, Problem
from assetctl.lineage.facts.records import Fact, Position
from assetctl.storage.journal.own_segment import Segment
from assetctl.storage.journal.segments import (
    GREATEST_COUNTER,
    SUFFIX,
    Flaw,
    Line,
    LineProblem,
    frame,
    last_counter,
    parse_json,
    read_lines,
)
from assetctl.storage.journal.wire import UnknownFact, from_json
from assetctl.storage.state.crash_points import CrashPoint, reached
from assetctl.storage.state.format import environment_fault
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.lock import lock_fault
from assetctl.storage.state.malformed import MALFORMED
from assetctl.storage.state.modes import make_folders, open_new
from assetctl.storage.state.regular import read_regular
from assetctl.storage.state.whole import fsync_folder

_TAIL_BYTES = 16 * 1024
_NOT_WRITTEN = "the journal cannot be written; this record does not count"


def mark_as_written_to(descriptor: int) -> None:
    """Lock a new segment while this process lives.

    Where this fails nothing may be appended: another process, for which locks do work,
    would take the segment for finished and not see its counters grow.
    """
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def durable_sync(descriptor: int) -> None:
    """Return once a file's bytes survive a power loss."""
    getattr(os, "fdatasync", os.fsync)(descriptor)


@dataclass(frozen=True, slots=True)
class Scan:
    """Good lines beyond some point, in journal order, and the point that they reach."""

    lines: tuple[tuple[Position, Line], ...]
    seen: dict[str, int]
    problems: tuple[LineProblem, ...]


class FileJournal:
    """`ports.Journal` on the files of one state folder; safe to share between threads.

    `sync` makes a descriptor's bytes durable, `mark` lets others know that it is written
    to. `problems` lists what the last read could not believe.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        sync: Callable[[int], None] = durable_sync,
        mark: Callable[[int], None] = mark_as_written_to,
    ) -> None:
        self._folder = layout.journal
        self._sync = sync
        self._mark = mark
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._pid = os.getpid()
        self._segment: Segment | None = None
        self._to_sync: list[Segment] = []
        self._sync_fault: EnvironmentFault | None = None
        self._counter = 0
        self._sizes: dict[str, int] = {}  # of other processes' segments, when their tails were read
        self._sealed: set[str] = set()  # files that no process will ever write again
        self.problems: tuple[LineProblem, ...] = ()

    def append(self, facts: Sequence[Fact]) -> Position:
        """Append facts in order and return the position of the last.

        Kill-safe on return; power-safe after `sync`.

        Raises:
            EnvironmentFault: the disk refused; nothing of this call counts as written.
            ValueError: there is no fact to append.
        """
        if not facts:
            raise ValueError("an append needs at least one fact")
        self._begin_anew_after_fork()
        with self._lock:
            counter = self._greatest_counter()
            if counter + len(facts) > GREATEST_COUNTER:
                raise self._exhausted()
            lines = [frame(fact, counter + n) for n, fact in enumerate(facts, start=1)]
            if self._segment is not None and not self._segment.is_open():
                self._segment = None  # a step closed its descriptor, whose number may be another file's by now
            segment = self._segment or self._create_segment()
            self._write(segment, b"".join(lines))
            reached(CrashPoint.RECORD_APPENDED)
            self._counter = counter + len(lines)
            return Position(self._counter, segment.name)

    def sync(self) -> None:
        """Return once everything this process appended so far survives a power loss.

        Raises:
            EnvironmentFault: the disk refused. It is raised again by every later call:
                a sync that failed once cannot be made good by trying again.
        """
        self._begin_anew_after_fork()
        with self._sync_lock:  # a second caller returns only once the first one's bytes are durable
            if self._sync_fault is not None:
                raise self._sync_fault
            with self._lock:
                pending, self._to_sync = self._to_sync, []
            try:
                for segment in pending:
                    segment.require_present()
                    with segment.opened() as descriptor:
                        self._sync(descriptor)
                    if segment.is_new:
                        fsync_folder(self._folder)
                        fsync_folder(self._folder.parent)
                        segment.is_new = False
                    reached(CrashPoint.JOURNAL_SYNCED)
            except OSError as cause:
                self._sync_fault = environment_fault(cause, self._folder, "the journal cannot be made durable")
                raise self._sync_fault from cause

    def read_since(self, seen: Mapping[str, int]) -> tuple[list[tuple[Position, Fact]], dict[str, int]]:
        """Return facts in journal order that lie beyond `seen`, and the new `seen`.

        `seen` maps a segment to the number of its bytes already read; start with `{}`.
        An unfinished tail is not passed; other bad lines are, and are put in `problems`,
        as are facts that a newer release wrote.

        Raises:
            EnvironmentFault: a segment cannot be read.
        """
        scan = self.scan(seen)
        facts, unread = decode(scan.lines)
        self.problems = scan.problems + unread
        return facts, scan.seen

    def scan(self, seen: Mapping[str, int]) -> Scan:
        """Return the good lines beyond `seen` without decoding them, in journal order."""
        reached = dict(seen)
        lines: list[tuple[Position, Line]] = []
        problems: list[LineProblem] = []
        for segment, size in sorted(self.sizes().items()):
            start = seen.get(segment, 0)
            if size <= start:
                continue
            reading = read_lines(segment, self._read(segment, start), start)
            lines.extend((Position(line.counter, segment), line) for line in reading.lines)
            problems.extend(reading.problems)
            reached[segment] = reading.end
        lines.sort(key=lambda pair: pair[0])
        return Scan(tuple(lines), reached, tuple(problems))

    def sizes(self) -> dict[str, int]:
        """Return every segment and its size in bytes.

        Raises:
            EnvironmentFault: the journal folder cannot be read.
        """
        sizes: dict[str, int] = {}
        for entry in self._entries():
            try:
                status = entry.stat()
            except FileNotFoundError:  # withdrawn by its writer just now, or a link that leads nowhere
                continue
            except OSError as cause:
                raise environment_fault(cause, entry.path, "the journal cannot be read") from cause
            if stat.S_ISREG(status.st_mode):
                sizes[entry.name.removesuffix(SUFFIX)] = status.st_size
        return sizes

    def not_segments(self) -> list[Path]:
        """Return what has a segment's name but is not a file: a folder, a pipe, a dangling link."""
        return sorted(Path(entry.path) for entry in self._entries() if not entry.is_file())

    def _entries(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._folder) as entries:
                return [entry for entry in entries if entry.name.endswith(SUFFIX)]
        except FileNotFoundError:
            return []
        except OSError as cause:
            raise environment_fault(cause, self._folder, "the journal cannot be read") from cause

    def path(self, segment: str) -> Path:
        """Return the file of a segment."""
        return self._folder / (segment + SUFFIX)

    def close(self) -> None:
        """Sync and close the segment; a later append begins a new one."""
        self.sync()
        with self._lock:
            if self._segment is not None and self._segment.is_open():
                os.close(self._segment.descriptor)
            self._segment = None

    def _begin_anew_after_fork(self) -> None:
        if self._pid == os.getpid():
            return
        self._pid = os.getpid()
        self._lock = threading.Lock()  # the parent's may have been held at the fork
        self._sync_lock = threading.Lock()
        self._segment = None  # its descriptor is the parent's: never written, and not closed twice
        self._to_sync = []
        self._sync_fault = None

    def _greatest_counter(self) -> int:
        """Return the greatest counter in any segment; tails are read only where a size may have changed."""
        try:
            names = os.listdir(self._folder)  # noqa: PTH208  # names alone: this runs before each append
        except FileNotFoundError:
            names = []
        except OSError as cause:
            raise environment_fault(cause, self._folder, "the journal cannot be read") from cause
        if self._segment is not None and self._segment.path.name not in names:
            self._segment = None  # it was deleted; what is appended to it now would be lost
        for name in names:
            if name not in self._sealed and name.endswith(SUFFIX):
                self._look_at_tail(name.removesuffix(SUFFIX), self._folder / name)
        return self._counter

    def _exhausted(self) -> EnvironmentFault:
        sizes = self.sizes()
        path = self.path(max(sizes, key=lambda segment: self._last_counter(segment, sizes[segment])))
        what = "a line of the journal claims a place after which nothing can be recorded"
        hint = "it was not written by assetctl: move that segment out of the journal, then run the command again"
        return EnvironmentFault(Problem("journal-exhausted", what, (("segment", str(path)),), hint))

    def _look_at_tail(self, segment: str, path: Path) -> None:
        if self._segment is not None and segment == self._segment.name:
            return
        is_sealed = has_no_writer(path)  # asked first: what is read after the last write is complete
        try:
            status = path.stat()
        except FileNotFoundError:
            return
        if not stat.S_ISREG(status.st_mode):
            return  # a folder or a pipe of that name: `not_segments` has it
        size = status.st_size
        if self._sizes.get(segment) != size:
            self._counter = max(self._counter, self._last_counter(segment, size))
            self._sizes[segment] = size
        if is_sealed and size > 0:
            self._sealed.add(path.name)

    def _last_counter(self, segment: str, size: int) -> int:
        length = _TAIL_BYTES
        while True:
            start = max(0, size - length)
            counter = last_counter(self._read(segment, start))
            if counter is not None or start == 0:
                return counter or 0
            length *= 4

    def _read(self, segment: str, start: int) -> bytes:
        path = self.path(segment)
        try:
            return read_regular(path, start)
        except FileNotFoundError:
            return b""  # its writer withdrew it: a failed first write counts as nothing
        except OSError as cause:
            raise environment_fault(cause, path, "the journal cannot be read") from cause

    def _create_segment(self) -> Segment:
        name = new_segment_name()
        path = self.path(name)
        try:
            make_folders(self._folder)
            descriptor = open_new(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL)
        except OSError as cause:
            raise environment_fault(cause, path, _NOT_WRITTEN) from cause
        try:
            self._mark(descriptor)
        except OSError as cause:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise lock_fault(cause, path) from cause
        self._segment = Segment(name, path, descriptor)
        return self._segment

    def _write(self, segment: Segment, data: bytes) -> None:
        try:
            if os.write(segment.descriptor, data) != len(data):
                raise OSError(errno.ENOSPC, "only a part of the record could be written (is the disk full?)")
        except OSError as cause:
            self._segment = None
            segment.cut_off_failed_write()
            raise environment_fault(cause, segment.path, _NOT_WRITTEN) from cause
        segment.size += len(data)
        if segment not in self._to_sync:
            self._to_sync.append(segment)


def decode(lines: Sequence[tuple[Position, Line]]) -> tuple[list[tuple[Position, Fact]], tuple[LineProblem, ...]]:
    """Return the facts of good lines, and the lines that are no facts to this release."""
    facts: list[tuple[Position, Fact]] = []
    problems: list[LineProblem] = []
    for position, line in lines:
        try:
            facts.append((position, from_json(parse_json(line.payload))))
        except UnknownFact as cause:
            problems.append(LineProblem(position.segment, line.start, str(cause), False, Flaw.NEWER))
        except MALFORMED as cause:
            problems.append(LineProblem(position.segment, line.start, str(cause), False))
    return facts, tuple(problems)


def has_no_writer(path: Path) -> bool:
    """Return whether no process will write to a segment any more; in doubt, False.

    A writer holds a lock on its segment from before its first byte until it is gone, and
    never opens a segment again. An empty file may be one that is not locked yet.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe is not waited for
    except OSError:
        return False
    try:
        if os.fstat(descriptor).st_size == 0:
            return False  # and not locked here, where its writer may be about to lock it
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)


def new_segment_name() -> str:
    """Return a name that sorts by creation time and that no other process picks."""
    return f"{time.time_ns() // 1_000_000:012x}-{os.getpid():x}-{secrets.token_hex(4)}"
