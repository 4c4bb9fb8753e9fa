"""Examine a state folder: every way in which it can be wrong, found and explained; nothing is changed.

An error means that recorded facts or bytes are damaged; a warning, that something was
lost which the next build makes good; a note, that something could be tidied up. The
database is opened in a process of its own, since a damaged one may take its reader down.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assetctl.assets.errors import EnvironmentFault
from assetctl.assets.ids import AssetKey
from assetctl.lineage.records import BlobDigest, Fact, Position
from assetctl.storage.blobs import hash_file
from assetctl.storage.codecs.registry import FOLDER
from assetctl.storage.gc import stray_writes
from assetctl.storage.journal import FileJournal, has_no_writer
from assetctl.storage.layout import Layout
from assetctl.storage.references import References, Version, blob_files, foreign_files, versions_in
from assetctl.storage.state import check_state

ERROR, WARNING, NOTE = "error", "warning", "note"
_PROBE_S = 120
_PROBE = "import sys; sys.path.insert(0, sys.argv[1]); from assetctl.storage.probe import main; main(sys.argv[2])"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: how bad ("error", "warning", "note"), what, where, and what to do."""

    severity: str
    what: str
    where: str
    hint: str


def examine(layout: Layout, *, full: bool = False) -> list[Finding]:
    """Return everything found, the worst first. `full` hashes every recorded blob; otherwise sizes are compared.

    Raises:
        EnvironmentFault: the journal cannot be read.
    """
    try:
        check_state(layout)
    except EnvironmentFault as future:
        problem = future.problems[0]
        return [Finding(ERROR, problem.message, str(layout.format_file), problem.hint or "")]
    journal = FileJournal(layout)
    facts, _ = journal.read_since({})
    found = [*_journal_findings(journal), *_blob_findings(layout, facts, full=full), *_database_findings(layout)]
    found += _quarantine_findings(layout, facts)
    found += _tidiness_findings(layout)
    order = (ERROR, WARNING, NOTE)
    return sorted(found, key=lambda finding: (order.index(finding.severity), finding.where))


def _journal_findings(journal: FileJournal) -> Iterator[Finding]:
    for problem in journal.problems:
        path = journal.path(problem.segment)
        where = f"{path} at byte {problem.offset}"
        if not problem.is_tail:
            is_newer = "unknown" in problem.what
            hint = (
                "it is skipped; upgrade assetctl to read it"
                if is_newer
                else "it is skipped; what it recorded is rebuilt"
            )
            yield Finding(WARNING if is_newer else ERROR, f"the journal holds {problem.what}", where, hint)
        elif has_no_writer(path):
            hint = "nothing to do: its process ended while writing, and what it announced before is all there"
            yield Finding(WARNING, f"a segment of the journal ends in {problem.what}", where, hint)


def _blob_findings(layout: Layout, facts: list[tuple[Position, Fact]], *, full: bool) -> Iterator[Finding]:
    references = References(layout)
    versions = list(versions_in(facts))
    latest = _latest(versions)
    sizes = _expected_sizes(versions, references)
    files = {file.digest: file for file in blob_files(layout)}
    for digest, (version, size) in sizes.items():
        is_latest = latest.get(version.output.asset) is version
        file = files.get(digest)
        asset = version.output.asset
        if file is None:
            if is_latest and not layout.quarantined(digest).exists():
                hint = f"`assetctl materialize {asset}` builds it again; what was made from it stays fresh"
                yield Finding(WARNING, f"the stored bytes of `{asset}` are missing", str(layout.blob(digest)), hint)
        elif not file.path.is_file() or file.path.is_symlink() or (size is not None and file.size_bytes != size):
            yield _corrupt(version, file.path, f"{file.size_bytes} bytes instead of {size}")
        elif full and hash_file(file.path) != digest:
            yield _corrupt(version, file.path, "their hash is another")


def _latest(versions: list[Version]) -> dict[AssetKey, Version]:
    latest: dict[AssetKey, Version] = {}
    for version in sorted(versions, key=lambda version: version.position):
        if version.materialization.published:
            latest[version.output.asset] = version
    return latest


def _expected_sizes(versions: list[Version], references: References) -> dict[BlobDigest, tuple[Version, int | None]]:
    """Return for every recorded blob the newest version that needs it and its size; None where none was recorded."""
    sizes: dict[BlobDigest, tuple[Version, int | None]] = {}
    for version in sorted(versions, key=lambda version: version.position):
        output = version.output
        files = references.files(output)
        sizes.update(dict.fromkeys(references.of(version), (version, None)))
        sizes.update({file.digest: (version, file.size_bytes) for file in files})
        if output.blob is not None and output.inline is None and output.codec != FOLDER:
            sizes[output.blob] = (version, output.size_bytes)
    return sizes


def _corrupt(version: Version, path: Path, how: str) -> Finding:
    asset = version.output.asset
    what = f"the stored bytes of `{asset}` are not what was recorded: {how}"
    return Finding(ERROR, what, str(path), f"`assetctl materialize {asset}` sets them aside and builds them again")


def _database_findings(layout: Layout) -> Iterator[Finding]:
    rebuild = "`assetctl doctor --rebuild` folds it anew from the journal; nothing is lost"
    if layout.lineage_db.exists():
        import assetctl

        root = str(Path(assetctl.__file__).parent.parent)
        command = [sys.executable, "-c", _PROBE, root, str(layout.state)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_S, check=False)
        except subprocess.TimeoutExpired:
            yield Finding(ERROR, "reading the lineage database does not end", str(layout.lineage_db), rebuild)
            return
        kind, _, text = done.stdout.strip().partition(" ")
        if kind == "unusable":
            hint = "close the program that holds it; commands work in memory until then"
            yield Finding(WARNING, f"the lineage database cannot be read now: {text}", str(layout.lineage_db), hint)
        elif kind == "newer":
            hint = "upgrade assetctl (`pip install -U assetctl`); commands work from the journal until then"
            yield Finding(WARNING, text, str(layout.lineage_db), hint)
        elif kind == "outdated":
            what = "the lineage database has the schema of another release"
            yield Finding(NOTE, what, str(layout.lineage_db), "nothing to do: the next command brings it up to date")
        elif kind != "sound":
            why = text or f"reading it ended with exit code {done.returncode}"
            yield Finding(ERROR, f"the lineage database is damaged: {why}", str(layout.lineage_db), rebuild)
    for path in sorted(layout.state.glob("lineage.duckdb.*-*")):
        if not path.name.endswith(".wal"):
            yield Finding(
                NOTE, "a lineage database that was set aside", str(path), "delete it once you have looked at it"
            )


def _quarantine_findings(layout: Layout, facts: list[tuple[Position, Fact]]) -> Iterator[Finding]:
    if not layout.quarantine.is_dir():
        return
    references = References(layout)
    owners: dict[str, AssetKey] = {}
    for version in versions_in(facts):
        owners.update({digest.removeprefix("b3:"): version.output.asset for digest in references.of(version)})
    for path in sorted(layout.quarantine.iterdir()):
        asset = owners.get(path.name)
        if asset is not None and not layout.blob(BlobDigest(f"b3:{path.name}")).exists():
            hint = f"`assetctl materialize {asset}` builds them again; delete this file once you have looked at it"
            yield Finding(ERROR, f"the stored bytes of `{asset}` were corrupt and were set aside", str(path), hint)
        else:
            hint = "what it belonged to was built again, or has no record; delete it once you have looked at it"
            yield Finding(NOTE, "corrupt bytes that were set aside", str(path), hint)


def _tidiness_findings(layout: Layout) -> Iterator[Finding]:
    facts, _ = FileJournal(layout).read_since({})
    references = References(layout)
    recorded = {digest for version in versions_in(facts) for digest in references.of(version)}
    orphans = [file for file in blob_files(layout) if file.digest not in recorded]
    tidy = "`assetctl gc` shows what can go, and removes it when told to"
    if orphans:
        size = sum(file.size_bytes for file in orphans)
        what = f"{len(orphans)} stored blobs have no record ({size} bytes)"
        yield Finding(NOTE, what, str(layout.blobs), tidy)
    for stray in stray_writes(layout, time.time()):
        yield Finding(NOTE, stray.why, str(stray.path), tidy)
    for path in foreign_files(layout):
        yield Finding(WARNING, "a file that assetctl did not put there", str(path), "move it out of the store")
