"""Examine the journal: lines that are damaged, torn or of a newer release, and files that are not segments.

A crash leaves a torn line at the end of a segment whose writer is gone: everything announced
before it is there. A line with an end was written whole, so a bad one was
damaged since, wherever it stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from assetctl.storage.care.findings import ERROR, WARNING, Finding
from assetctl.storage.journal.journal import FileJournal, has_no_writer
from assetctl.storage.journal.segments import LineProblem
from assetctl.storage.state.malformed import MALFORMED

_HEAD_BYTES = 4096


def journal_findings(journal: FileJournal) -> Iterator[Finding]:
    """Yield what is wrong with a journal that was read to its end."""
    for problem in journal.problems:
        finding = _of_line(journal, problem)
        if finding is not None:
            yield finding
    for path in journal.not_segments():
        hint = "what it recorded is not read; put the segment itself here, or move this away"
        yield Finding(ERROR, "a segment of the journal that is not a file", str(path), hint)
    yield from _copies(journal)


def _of_line(journal: FileJournal, problem: LineProblem) -> Finding | None:
    path = journal.path(problem.segment)
    where = f"{path} at byte {problem.offset}"
    if problem.is_newer:
        hint = "it is skipped; upgrade assetctl to read it"
        return Finding(WARNING, f"the journal holds {problem.what}", where, hint)
    if problem.is_damage:
        hint = "it is skipped; what it recorded is rebuilt"
        return Finding(ERROR, f"the journal holds {problem.what}", where, hint)
    if not has_no_writer(path):
        return None  # it is being written
    hint = "nothing to do: its process ended while writing, and what it announced before is all there"
    return Finding(WARNING, f"a segment of the journal ends in {problem.what}", where, hint)


def _copies(journal: FileJournal) -> Iterator[Finding]:
    """Yield segments that begin with the same run record as another segment: copies under another name."""
    known: dict[tuple[object, object], str] = {}
    for segment in sorted(journal.sizes()):
        begins = _run_begun(journal, segment)
        if begins is None:
            continue
        first = known.setdefault(begins, segment)
        if first != segment:
            what = f"this segment of the journal is a copy of {journal.path(first).name}"
            hint = "what they record counts once, but shows twice in the history: move one of the two away"
            yield Finding(WARNING, what, str(journal.path(segment)), hint)


def _run_begun(journal: FileJournal, segment: str) -> tuple[object, object] | None:
    with journal.path(segment).open("rb") as file:
        line = file.read(_HEAD_BYTES).partition(b"\n")[0]
    try:
        record = json.loads(line.partition(b" ")[2])
        return (record["c"], record["run"]) if record["k"] == "run_started" else None
    except MALFORMED:
        return None
