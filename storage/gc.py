"""Clean up: say which stored bytes nothing needs any more, and remove just those.

Planning changes nothing. Records are never removed, so a version whose bytes are gone
stays in the history. What is kept, whatever the rules: the latest published version of
every asset that exists, what was made but not published since, everything that a fact
written after the plan refers to, and what is too young to be known as unneeded (a blob
is durable before its record is written).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from assetctl.assets.ids import AssetKey
from assetctl.lineage.ports import Journal
from assetctl.lineage.records import BlobDigest
from assetctl.storage.faults import CrashPoint, reached
from assetctl.storage.layout import Layout
from assetctl.storage.lock import store_lock
from assetctl.storage.references import BlobFile, References, Version, blob_files, versions_in
from assetctl.storage.state import environment_fault

_DAY_S = 24 * 3600.0
_HOUR_S = 3600.0
_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class KeepRules:
    """Which versions keep their bytes. With neither of the first two, all that was recorded is kept.

    `keep_last`: this many different values of each asset, newest first. `younger_than_s`:
    versions made in the last so many seconds. A version is kept if either rule keeps it.
    `drop_removed`: assets that are no longer declared keep nothing. `grace_s`: blobs
    without a record are left alone for so many seconds.
    """

    keep_last: int | None = None
    younger_than_s: float | None = None
    drop_removed: bool = False
    grace_s: float = _DAY_S


@dataclass(frozen=True, slots=True)
class Reclaim:
    """Something to remove: a blob, or an unfinished write (`digest` is None), and why nothing needs it."""

    path: Path
    digest: BlobDigest | None
    size_bytes: int
    why: str
    asset: AssetKey | None = None
    modified: float = 0.0


@dataclass(frozen=True, slots=True)
class GcPlan:
    """What cleaning up would remove. `seen` is how much of the journal the plan knows."""

    reclaims: tuple[Reclaim, ...]
    n_kept: int
    kept_bytes: int
    seen: Mapping[str, int] = field(default_factory=dict)

    @property
    def reclaimed_bytes(self) -> int:
        return sum(reclaim.size_bytes for reclaim in self.reclaims)


def plan_gc(
    layout: Layout, journal: Journal, declared: Collection[AssetKey] | None, rules: KeepRules, now: float
) -> GcPlan:
    """Return what can go. `declared` are the assets that exist (None: all that were recorded).

    `now` is seconds since 1970: age decides how long bytes are kept, never what is true.
    """
    facts, seen = journal.read_since({})
    references = References(layout)
    kept: set[BlobDigest] = set()
    dropped: dict[BlobDigest, tuple[AssetKey, str]] = {}
    for asset, versions in _by_asset(versions_in(facts)).items():
        exists = declared is None or asset in declared
        why = _reason(asset, exists=exists, rules=rules)
        keeping = _kept_versions(versions, exists=exists, rules=rules, now=now)
        for version in versions:
            needed = references.of(version)
            if version in keeping:
                kept |= needed
            else:
                dropped.update(dict.fromkeys(needed, (asset, why)))
    files = list(blob_files(layout))
    reclaims = [r for file in files if file.digest not in kept and (r := _reclaim(file, dropped, rules, now))]
    gone = {reclaim.digest for reclaim in reclaims}
    left = [file for file in files if file.digest not in gone]
    return GcPlan((*reclaims, *stray_writes(layout, now)), len(left), sum(file.size_bytes for file in left), seen)


def apply_gc(layout: Layout, journal: Journal, plan: GcPlan) -> tuple[Reclaim, ...]:
    """Remove what a plan names, except what is needed or was written since; return what was removed.

    Raises:
        WaitTimeout: another process is cleaning up.
        EnvironmentFault: something cannot be removed; what was removed before it stays removed.
    """
    removed: list[Reclaim] = []
    with store_lock(layout, _WAIT_S, "gc"):
        references = References(layout)
        new_facts, _ = journal.read_since(plan.seen)
        needed = {digest for version in versions_in(new_facts) for digest in references.of(version)}
        for reclaim in plan.reclaims:
            if reclaim.digest in needed or not _is_as_planned(reclaim):
                continue
            try:
                shutil.rmtree(reclaim.path) if reclaim.path.is_dir() else reclaim.path.unlink(missing_ok=True)
            except OSError as cause:
                raise environment_fault(cause, reclaim.path, "stored bytes cannot be removed") from cause
            removed.append(reclaim)
            reached(CrashPoint.BLOB_DELETED)
    return tuple(removed)


def stray_writes(layout: Layout, now: float) -> list[Reclaim]:
    """Return unfinished writes of processes that are gone, older than an hour."""
    if not layout.temporary.is_dir():
        return []
    strays = []
    for path in sorted(layout.temporary.iterdir()):
        modified = path.lstat().st_mtime
        if now - modified >= _HOUR_S and not _is_alive(path.name.partition("-")[0]):
            why = "an unfinished write of a process that is gone"
            strays.append(Reclaim(path, None, _size_of(path), why, modified=modified))
    return strays


def _by_asset(versions: Iterable[Version]) -> dict[AssetKey, list[Version]]:
    found: dict[AssetKey, list[Version]] = {}
    for version in versions:
        found.setdefault(version.output.asset, []).append(version)
    return found


def _kept_versions(versions: list[Version], *, exists: bool, rules: KeepRules, now: float) -> list[Version]:
    """Return the versions of one asset that keep their bytes."""
    if rules.drop_removed and not exists:
        return []
    if rules.keep_last is None and rules.younger_than_s is None:
        return versions
    newest_first = sorted(versions, key=lambda version: version.position, reverse=True)
    values = list(dict.fromkeys(version.output.blob for version in newest_first))
    last = set(values[: rules.keep_last or 0])
    keeping = []
    is_past_latest = False
    for version in newest_first:
        if not is_past_latest or version.output.blob in last or _is_young(version, rules, now):
            keeping.append(version)
        is_past_latest = is_past_latest or version.materialization.published
    return keeping


def _is_young(version: Version, rules: KeepRules, now: float) -> bool:
    if rules.younger_than_s is None:
        return False
    try:
        made = datetime.fromisoformat(version.materialization.started_at).timestamp()
    except ValueError:
        return True  # of unknown age
    return now - made < rules.younger_than_s


def _reason(asset: AssetKey, *, exists: bool, rules: KeepRules) -> str:
    if rules.drop_removed and not exists:
        return f"`{asset}` is no longer declared"
    return f"an earlier version of `{asset}` that no rule keeps"


def _reclaim(
    file: BlobFile, dropped: Mapping[BlobDigest, tuple[AssetKey, str]], rules: KeepRules, now: float
) -> Reclaim | None:
    asset, why = dropped.get(file.digest, (None, "no record refers to it"))
    if asset is None and now - file.modified < rules.grace_s:
        return None
    return Reclaim(file.path, file.digest, file.size_bytes, why, asset, file.modified)


def _is_as_planned(reclaim: Reclaim) -> bool:
    try:
        found = reclaim.path.lstat()
    except FileNotFoundError:
        return False
    return found.st_mtime == reclaim.modified and (reclaim.digest is None or found.st_size == reclaim.size_bytes)


def _is_alive(pid: str) -> bool:
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _size_of(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        return sum(_size_of(entry) for entry in path.iterdir())
    return path.lstat().st_size
