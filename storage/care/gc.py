"""Garbage collection: find the stored bytes that nothing needs any more, and remove only those.

Planning changes nothing. Records are never removed, so a version whose bytes are gone
stays in the history. Whatever the rules say, three kinds of bytes are kept: those that
`retention_rules` always keeps, those that another project in the same store refers to,
and those without a record that are too young to be left over. Bytes are removed while
no process of any project uses the store (`state.in_use`), by a plan made under that same
lock, so a plan is never out of date.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from assetctl.assets.errors import EnvironmentFault, Problem
from assetctl.assets.ids import AssetKey, Target
from assetctl.lineage.facts.records import BlobDigest
from assetctl.storage.care.retention_rules import KeepRules, judge_versions
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.state.crash_points import CrashPoint, reached
from assetctl.storage.state.descend import delete
from assetctl.storage.state.format import environment_fault
from assetctl.storage.state.in_use import alone_with
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.roots import Root, is_own, roots_of
from assetctl.storage.state.whole import is_temporary
from assetctl.storage.values.references import BlobFile, References, blob_files, versions_in

_HOUR_S = 3600.0
_ORPHAN = "no record refers to it"
_STRAY = "an unfinished write of a process that is gone"


@dataclass(frozen=True, slots=True)
class Reclaim:
    """Something to remove: a blob, or an unfinished write (`digest` is None), and why nothing needs it."""

    path: Path
    digest: BlobDigest | None
    size_bytes: int
    why: str
    target: Target | None = None
    is_own_write: bool = False  # of a file of the state folder itself: a name, never followed


@dataclass(frozen=True, slots=True)
class GcPlan:
    """What cleaning up removes. `kept` are the bytes that stay, by the asset that keeps them.

    `spared` counts those that stay for another project's sake alone; `gone` are projects
    whose folder was deleted, so that they spare nothing any more.
    """

    reclaims: tuple[Reclaim, ...]
    n_kept: int
    kept_bytes: int
    kept: Mapping[Target, int]
    n_spared: int = 0
    spared_bytes: int = 0
    gone: tuple[Root, ...] = ()

    @property
    def reclaimed_bytes(self) -> int:
        return sum(reclaim.size_bytes for reclaim in self.reclaims)


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What to clean up, and by which rules; see `retention_rules.judge_versions` for `declared` and `now`."""

    layout: Layout
    journal: FileJournal
    rules: KeepRules
    now: float
    declared: Mapping[AssetKey, AssetKey] | None = None

    @property
    def places(self) -> tuple[Layout, ...]:
        """The stores to clean: this project's, and its state folder where bytes from before lie in it."""
        own = (place for place in self.layout.places[1:] if place.store == self.layout.state and place.blobs.is_dir())
        return (self.layout, *own)


def plan_gc(asked: Cleaning) -> GcPlan:
    """Return what can go.

    Raises:
        EnvironmentFault: what this project, or another in the same store, refers to cannot be known now.
    """
    facts, _ = asked.journal.read_since({})
    is_whole = _require_known(asked.journal, "this project", "upgrade assetctl")
    keeping = judge_versions(facts, asked.declared, asked.rules, asked.now)
    references = References(asked.layout)
    kept = {digest: asset for asset, version in reversed(keeping.kept) for digest in references.of(version)}
    dropped = {d: (asset, why) for asset, v, why in keeping.dropped for d in references.of(v) if d not in kept}
    others = [root for place in asked.places for root in roots_of(place.store) if not is_own(root, asked.layout)]
    spared, is_all_whole = _needed_by_others(others)
    gone = tuple(root for root in others if root.is_gone)
    if gone:
        dropped = {}  # a project that was moved and has not run since may refer to them too
    # Bytes without a record here may be those of a project that was moved and has not run since.
    grace_s = asked.rules.grace_s if is_whole and is_all_whole and not gone else float("inf")
    reclaims: list[Reclaim] = []
    left: list[BlobFile] = []
    n_spared, spared_bytes = 0, 0
    for file in (file for place in asked.places for file in blob_files(place)):
        if file.digest not in kept and file.digest in spared:
            n_spared, spared_bytes = n_spared + 1, spared_bytes + file.size_bytes
        elif file.digest in kept or (reclaim := _reclaim(file, dropped, grace_s, asked.now)) is None:
            left.append(file)
        else:
            reclaims.append(reclaim)
    sizes: dict[Target, int] = {}
    for file in left:
        if file.digest in kept:
            sizes[kept[file.digest]] = sizes.get(kept[file.digest], 0) + file.size_bytes
    return GcPlan(
        (
            *reclaims,
            *(stray for place in asked.places for stray in stray_writes(place, asked.now)),
            *stray_state_files(asked.layout, asked.now),
        ),
        len(left),
        sum(file.size_bytes for file in left),
        sizes,
        n_spared,
        spared_bytes,
        gone,
    )


def apply_gc(asked: Cleaning) -> GcPlan:
    """Remove what can go, while nobody uses the store; return the plan that was carried out.

    Raises:
        WaitTimeout: the store is in use.
        EnvironmentFault: something cannot be removed; what was removed before it stays removed.
    """
    with ExitStack() as locks:
        for place in sorted(asked.places, key=lambda place: os.path.realpath(place.store)):
            if place.store.is_dir():
                locks.enter_context(alone_with(place))
        plan = plan_gc(asked)
        for reclaim in plan.reclaims:
            try:
                if reclaim.is_own_write:
                    reclaim.path.unlink(missing_ok=True)
                else:
                    delete(reclaim.path)
            except OSError as cause:
                raise environment_fault(cause, reclaim.path, "stored bytes cannot be removed") from cause
            reached(CrashPoint.BLOB_DELETED)
    return plan


def stray_writes(layout: Layout, now: float) -> list[Reclaim]:
    """Return unfinished writes of processes that are gone, older than an hour."""
    if not layout.temporary.is_dir() or layout.temporary.is_symlink():
        return []
    strays = []
    for path in sorted(layout.temporary.iterdir()):
        try:
            modified, size = path.lstat().st_mtime, _size_of(path)
        except FileNotFoundError:  # finished meanwhile
            continue
        if now - modified >= _HOUR_S and not _is_alive(path.name.partition("-")[0]):
            strays.append(Reclaim(path, None, size, _STRAY))
    return strays


def stray_state_files(layout: Layout, now: float) -> list[Reclaim]:
    """Return what killed processes left of replacing a file, or of making the lineage database; older than an hour."""
    folders = dict.fromkeys((layout.state, layout.store, layout.roots, layout.unshared, layout.cache))
    inside = [path for path in layout.cache.glob("*") if path.is_dir() and not path.is_symlink()]
    new = layout.lineage_db.with_name(layout.lineage_db.name + ".new")
    names = [new, new.with_name(new.name + ".wal")]
    names += [path for folder in (*folders, *inside) for path in folder.glob(".*.tmp") if is_temporary(path)]
    strays = []
    for path in sorted(names):
        try:
            status = path.lstat()
        except OSError:
            continue
        if now - status.st_mtime >= _HOUR_S and not stat.S_ISDIR(status.st_mode):
            strays.append(Reclaim(path, None, status.st_size, _STRAY, is_own_write=True))
    return strays


def orphans(layout: Layout, own: Collection[BlobDigest]) -> Iterator[BlobFile]:
    """Yield blobs that neither `own` names nor any other project refers to; none if that cannot be known now."""
    others = [root for root in roots_of(layout.store) if not is_own(root, layout)]
    try:
        spared, _ = _needed_by_others(others)
    except EnvironmentFault:
        return
    yield from (file for file in blob_files(layout) if file.digest not in own and file.digest not in spared)


def _needed_by_others(roots: Collection[Root]) -> tuple[set[BlobDigest], bool]:
    """Return the blobs that other projects refer to, and whether every line of their journals could be read."""
    problems = [_trouble(root, root.trouble) for root in roots if root.trouble]
    if problems:
        raise EnvironmentFault(*problems)
    needed: set[BlobDigest] = set()
    is_whole = True
    for root in roots:
        if not root.is_gone:
            layout = root.layout
            journal = FileJournal(layout)
            facts, _ = journal.read_since({})
            is_whole = _require_known(journal, f"`{root.state.parent}`", _forget_hint(root)) and is_whole
            references = References(layout)
            needed.update(digest for version in versions_in(facts) for digest in references.of(version))
    return needed, is_whole


def _require_known(journal: FileJournal, whose: str, hint: str) -> bool:
    """Refuse a journal with records of a newer release; return whether all its other lines could be read."""
    problems = [problem for problem in journal.problems if not problem.is_tail]
    newer = [problem for problem in problems if problem.is_newer]
    if newer:
        raise EnvironmentFault(
            Problem(
                "journal-newer",
                f"the journal of {whose} holds records of a newer assetctl, so what it needs is not known",
                (("first of them", newer[0].what),),
                hint,
            )
        )
    return not problems


def _trouble(root: Root, why: str) -> Problem:
    facts = (("project", str(root.state.parent)), ("reason", why), ("registered in", str(root.file)))
    return Problem(
        "other-project-unknown",
        "another project keeps bytes in this store, and what it needs cannot be known now",
        facts,
        _forget_hint(root),
    )


def _forget_hint(root: Root) -> str:
    if root.is_replaced:  # another project, or this one with a new state folder
        return (
            "if that project was moved, run any command in it; if it, or its state folder, was deleted, "
            f"type `assetctl gc --forget-root {shlex.quote(str(root.file))}`"
        )
    named = root.file if root.state == root.file else root.state.parent
    return f"make it readable again; or, if it is gone for good, add `--forget-root {shlex.quote(str(named))}`"


def _reclaim(
    file: BlobFile, dropped: Mapping[BlobDigest, tuple[Target, str]], grace_s: float, now: float
) -> Reclaim | None:
    asset, why = dropped.get(file.digest, (None, _ORPHAN))
    if asset is None and now - file.modified < grace_s:
        return None
    return Reclaim(file.path, file.digest, file.size_bytes, why, asset)


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
