"""Hash what is stored again, and say of whatever is damaged what would heal it. Nothing is changed or moved."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assetctl.assets.errors import AssetctlError, Problem, SelectionError
from assetctl.assets.ids import AssetKey
from assetctl.engine.answers.find import history_of
from assetctl.engine.care.healing import Present, healing, present_of
from assetctl.engine.planning.planner import select
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.records import BlobDigest
from assetctl.storage.care.subset import choose, parse_subset
from assetctl.storage.care.verify import Damage, Inventory, Piece, Use, read_again, take_inventory
from assetctl.storage.state.in_use import in_use

OnProgress = Callable[[int, int], None]
"""(bytes read so far, bytes to read).

Called before the first byte is read, then from several threads, one at a time, and at
the end with both equal.
"""


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """How much is read: `latest` leaves earlier versions out, `subset` ("5%", "2/10", "1G") reads a part."""

    latest: bool = False
    subset: str | None = None


@dataclass(frozen=True, slots=True)
class Damaged:
    """Bytes that are not what was recorded, for one record that relies on them.

    `use` is that record, None where nobody can know whose bytes they were. `is_missing`:
    they are not there, and nothing says that they were ever wrong.
    """

    what: str
    path: Path
    digest: BlobDigest | None
    use: Use | None
    hint: str
    is_missing: bool


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at, and what is damaged: what is corrupt comes first, then what is missing.

    One damaged file may be the damage of several records, so `n_corrupt` and `n_missing`
    count files. `n_inline` values are kept inside their records.
    """

    damaged: tuple[Damaged, ...]
    n_corrupt: int
    n_missing: int
    n_blobs: int
    stored_bytes: int
    n_read: int
    read_bytes: int
    n_inline: int

    @property
    def is_sound(self) -> bool:
        """Say whether nothing is corrupt; what is missing can be built again."""
        return self.n_corrupt == 0


_ALL = VerifyOptions()


def verify(
    workspace: Workspace,
    selection: Sequence[str] = (),
    options: VerifyOptions = _ALL,
    *,
    on_progress: OnProgress | None = None,
) -> Verified:
    """Hash the stored bytes of a selection again (of all that was ever recorded, if it is empty).

    Raises:
        SelectionError: a term names neither a declared nor a recorded asset, or the subset is none.
        EnvironmentFault: stored files cannot be read.
        WaitTimeout: another process is deleting, and does not end.
    """
    assets = selected_assets(workspace, selection)
    with in_use(workspace.layout):  # what is deleted meanwhile would look lost
        stored = take_inventory(workspace.layout, assets, latest_only=options.latest)
        chosen = _chosen(stored, options.subset)
        progress = _Progress(sum(piece.size_bytes or 0 for piece in chosen), on_progress)
        progress.add(0)
        damages = [*stored.damages, *read_again(chosen, progress.add)]
        progress.end()
    damages.sort(key=lambda damage: (damage.is_missing, str(damage.path), damage.what))
    present = present_of(workspace) if damages else None
    n_missing = sum(damage.is_missing for damage in damages)
    return Verified(
        damaged=tuple(one for damage in damages for one in _of_each_record(damage, present)),
        n_corrupt=len(damages) - n_missing,
        n_missing=n_missing,
        n_blobs=len(stored.pieces),
        stored_bytes=stored.stored_bytes,
        n_read=len(chosen),
        read_bytes=progress.n_bytes,
        n_inline=stored.n_inline,
    )


def check_subset(text: str) -> str:
    """Return the text of a subset, such as `5%`, `2/10` or `1G`, if it is one.

    Raises:
        ValueError: it is none.
    """
    parse_subset(text)
    return text


def selected_assets(workspace: Workspace, selection: Sequence[str]) -> frozenset[AssetKey] | None:
    """Return the assets that a selection means, None for all; a recorded key may be gone from the code.

    Raises:
        SelectionError: a term names neither a declared nor a recorded asset.
    """
    if not selection:
        return None
    recorded = {term for term in selection if _is_recorded(workspace, term)}
    declared = [term for term in selection if term not in recorded]
    return frozenset(map(AssetKey, recorded)).union(select(workspace, declared) if declared else ())


def _is_recorded(workspace: Workspace, term: str) -> bool:
    try:
        return bool(history_of(workspace, AssetKey(term), 1))
    except AssetctlError:
        return False


def _chosen(stored: Inventory, subset: str | None) -> list[Piece]:
    if subset is None:
        return list(stored.pieces)
    try:
        return choose(stored.pieces, parse_subset(subset), random.Random())
    except ValueError as cause:
        raise SelectionError(Problem("wrong-usage", str(cause))) from cause


def _of_each_record(damage: Damage, present: Present | None) -> Iterator[Damaged]:
    for use in damage.uses or (None,):
        if use is None or present is None:
            hint = "the record is lost; what it recorded is rebuilt, `assetctl plan` says which"
        else:
            hint = healing(damage, use, present)
        yield Damaged(damage.what, damage.path, damage.digest, use, hint, damage.is_missing)


@dataclass(slots=True)
class _Progress:
    """Adds up what several threads have read. A file that is read again does not count beyond the whole."""

    n_bytes: int
    on_progress: OnProgress | None
    _n_read: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, n_read: int) -> None:
        if self.on_progress is not None:
            with self._lock:
                self._n_read += n_read
                self.on_progress(min(self._n_read, self.n_bytes), self.n_bytes)

    def end(self) -> None:
        if self.on_progress is not None:
            self.on_progress(self.n_bytes, self.n_bytes)
