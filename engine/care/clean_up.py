"""Clean up: delete stored bytes that nothing needs any more, by the rules of the settings and of the call.

Which bytes these are is decided in `storage/care/`; here the rules are put together, and
the answer becomes a plain value.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assetctl.assets.errors import Problem, SelectionError
from assetctl.assets.ids import AssetKey, Target
from assetctl.engine.workspace.branches import branches_of
from assetctl.engine.workspace.settings import Keep
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.graph.asset_graph import AssetGraph
from assetctl.storage.care.gc import Cleaning, GcPlan, Reclaim, apply_gc, plan_gc
from assetctl.storage.care.retention_rules import KeepRules
from assetctl.storage.state.roots import forget


@dataclass(frozen=True, slots=True)
class CleanUpOptions:
    """Which versions keep their bytes; None leaves a rule to the project's settings.

    `keep_last`: so many versions of each asset. `keep_for_s`: versions younger than so many
    seconds. `keep_branches`: what was published last on each git branch that exists.
    `drop_removed`: assets that are no longer declared keep nothing but what is pinned.
    `forget_roots`: folders of projects to remove first from those that share the store.
    """

    keep_last: int | None = None
    keep_for_s: float | None = None
    keep_branches: bool | None = None
    drop_removed: bool = False
    forget_roots: tuple[Path, ...] = ()

    def over(self, settings: Keep) -> Keep:
        """Return the rules of the settings, overridden by those given here."""
        return Keep(
            settings.last if self.keep_last is None else self.keep_last,
            settings.for_s if self.keep_for_s is None else self.keep_for_s,
            settings.branches if self.keep_branches is None else self.keep_branches,
        )


@dataclass(frozen=True, slots=True)
class AssetSpace:
    """What cleaning up frees of one asset's bytes, and why, and what stays; `asset` is None for bytes of none."""

    asset: AssetKey | None
    n_files: int
    reclaimed_bytes: int
    kept_bytes: int
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CleanedUp:
    """What was deleted, or (`is_applied` is False) can be.

    `n_kept` and `kept_bytes` count the blobs that stay, `n_spared` and `spared_bytes` those
    that stay for another project's sake alone. `gone_roots` are folders of projects in the
    same store that are not there any more.
    """

    is_applied: bool
    files: tuple[Reclaim, ...]
    by_asset: tuple[AssetSpace, ...]
    n_kept: int
    kept_bytes: int
    n_spared: int
    spared_bytes: int
    gone_roots: tuple[Path, ...]

    @property
    def reclaimed_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


_AS_SET = CleanUpOptions()


def clean_up(
    workspace: Workspace,
    options: CleanUpOptions = _AS_SET,
    *,
    apply: bool = False,
    on_root_forgotten: Callable[[Path], None] | None = None,
) -> CleanedUp:
    """Say which stored bytes nothing needs, and with `apply` delete them. Records always stay.

    `on_root_forgotten` hears of each of `forget_roots` once it is done: it stays done even
    if what follows fails.

    Raises:
        SelectionError: a root to forget keeps nothing in this store, or branches are to be kept outside of git.
        EnvironmentFault: what this project, or another in the same store, needs cannot be known now.
        WaitTimeout: somebody is using the store.
    """
    keep = options.over(workspace.settings.keep)
    declared = declared_names(workspace.graph()) if options.drop_removed else None
    branches = branches_of(workspace.root) if keep.branches else None
    rules = KeepRules(keep.last, keep.for_s, branches, options.drop_removed)
    asked = Cleaning(workspace.layout, workspace.stores.journal, rules, time.time(), declared)
    for root in options.forget_roots:
        _forget(asked, root)
        if on_root_forgotten is not None:
            on_root_forgotten(root)
    return _answer(apply_gc(asked) if apply else plan_gc(asked), is_applied=apply)


def declared_names(graph: AssetGraph) -> dict[AssetKey, AssetKey]:
    """Return the key of every declared asset by its key, and by its earlier names."""
    aliases = {AssetKey(a): key for key, step in graph.steps.items() for a in step.declaration.options.aliases}
    return {**aliases, **{key: key for key in graph.order}}


def space_by_asset(files: Sequence[Reclaim], kept: Mapping[Target, int]) -> tuple[AssetSpace, ...]:
    """Return what goes of each asset, in the order of their keys; what belongs to none comes last."""
    of: dict[AssetKey | None, list[Reclaim]] = {}
    stays: dict[AssetKey, int] = {}
    for target, n_bytes in kept.items():
        stays[target.asset] = stays.get(target.asset, 0) + n_bytes
    for file in files:
        of.setdefault(file.target.asset if file.target is not None else None, []).append(file)
    ordered = sorted(of.items(), key=lambda pair: (pair[0] is None, pair[0] or ""))
    return tuple(
        AssetSpace(
            asset=asset,
            n_files=len(own),
            reclaimed_bytes=sum(file.size_bytes for file in own),
            kept_bytes=stays.get(asset, 0) if asset is not None else 0,
            why=tuple(sorted({file.why for file in own})),
        )
        for asset, own in ordered
    )


def _forget(asked: Cleaning, root: Path) -> None:
    if not sum(forget(place.store, root) for place in asked.places):
        raise SelectionError(
            Problem(
                "unknown-project",
                f"no project at `{root}` keeps bytes in this store",
                (("store", str(asked.layout.store)),),
                "name its folder as `assetctl gc` does",
            )
        )


def _answer(plan: GcPlan, *, is_applied: bool) -> CleanedUp:
    return CleanedUp(
        is_applied=is_applied,
        files=plan.reclaims,
        by_asset=space_by_asset(plan.reclaims, plan.kept),
        n_kept=plan.n_kept,
        kept_bytes=plan.kept_bytes,
        n_spared=plan.n_spared,
        spared_bytes=plan.spared_bytes,
        gone_roots=tuple(root.state.parent for root in plan.gone),
    )
