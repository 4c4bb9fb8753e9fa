"""`assetctl gc`: delete stored data that nothing needs."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assetctl.assets.errors import Problem, SelectionError
from assetctl.assets.ids import AssetKey
from assetctl.cli.options import DURATION
from assetctl.cli.session import Session
from assetctl.cli.text.speech import count, size
from assetctl.cli.verbs import Guide, Verb
from assetctl.engine.workspace.settings import Keep

if TYPE_CHECKING:
    from assetctl.lineage.graph.asset_graph import AssetGraph
    from assetctl.storage.care.gc import Cleaning, GcPlan

_GUIDE = Guide(
    (
        ("assetctl gc", "what can go: bytes without a record, unfinished writes"),
        ("assetctl gc --keep-last 1 --keep-for 30d --apply", "delete; versions of the last 30 days stay"),
        ("assetctl gc --keep-last 3 --keep-branches", "also older versions, but for what a git branch published last"),
        ("assetctl gc --drop-removed", "also what belongs to assets gone from the code"),
    ),
    (0, 2, 5, 6, 70),
)


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says is kept; None where it says nothing, so that the settings do."""

    last: int | None
    for_s: float | None
    branches: bool | None

    def over(self, settings: Keep) -> Keep:
        return Keep(
            settings.last if self.last is None else self.last,
            settings.for_s if self.for_s is None else self.for_s,
            settings.branches if self.branches is None else self.branches,
        )


def rule_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options that say what is kept; the command gets them as one `given: Given`."""

    @functools.wraps(function)
    def call(
        *args: Any, keep_last: int | None, keep_for: float | None, keep_branches: bool | None, **kwargs: Any
    ) -> int:
        return function(*args, given=Given(keep_last, keep_for, keep_branches), **kwargs)

    decorated: Callable[..., int] = call
    for decorate in (
        click.option(
            "--keep-branches/--no-keep-branches",
            default=None,
            help="Keep what was last published on each git branch that exists.",
        ),
        click.option("--keep-for", type=DURATION, metavar="TIME", help="Keep versions younger than this (12h, 30d)."),
        click.option(
            "--keep-last", type=click.IntRange(min=1), metavar="N", help="Keep the last N versions of each asset."
        ),
    ):
        decorated = decorate(decorated)
    return decorated


@click.command("gc", cls=Verb, guide=_GUIDE)
@rule_options
@click.option("--drop-removed", is_flag=True, help="Keep nothing of assets that are no longer declared.")
@click.option("--dry-run", is_flag=True, help="Only say what would go; so it is without --apply too.")
@click.option("--apply", "is_applied", is_flag=True, help="Delete what can go.")
@click.option(
    "--forget-root", multiple=True, metavar="PATH", help="First strike a project off those sharing the store."
)
@click.pass_obj
def command(
    session: Session, given: Given, drop_removed: bool, dry_run: bool, is_applied: bool, forget_root: tuple[str, ...]
) -> int:
    """Say which stored bytes nothing needs, and with --apply delete them.

    The latest version of every asset always stays, so does what is pinned, and so does the whole history: only
    bytes go. What another project in the same store refers to, or anybody is using, is never touched.
    """
    if dry_run and is_applied:
        raise SelectionError(
            Problem("contradicting-options", "--dry-run and --apply contradict each other", hint="give one of them")
        )
    from assetctl.engine.workspace.branches import branches_of
    from assetctl.storage.care.gc import Cleaning, apply_gc, plan_gc
    from assetctl.storage.care.retention_rules import KeepRules

    project = session.project
    keep = given.over(project.workspace.settings.keep)
    declared = _declared(project.graph()) if drop_removed else None
    branches = branches_of(project.root) if keep.branches else None
    rules = KeepRules(keep.last, keep.for_s, branches, drop_removed)
    asked = Cleaning(project.workspace.layout, project.workspace.stores.journal, rules, time.time(), declared)
    for path in forget_root:
        _forget(session, asked, Path(path))
    plan = apply_gc(asked) if is_applied else plan_gc(asked)
    if session.as_json:
        from assetctl.cli.text.json_output import write_json

        write_json(_document(plan, is_applied=is_applied))
        return 0
    _show(session, plan)
    spared = f"; another project needs {count(plan.n_spared, 'more file')}, {size(plan.spared_bytes)}"
    kept = f"kept {count(plan.n_kept, 'blob')}, {size(plan.kept_bytes)}{spared if plan.n_spared else ''}"
    did = "deleted" if is_applied else "can go:"
    session.out.print(
        f"{did} {count(len(plan.reclaims), 'file')}, {size(plan.reclaimed_bytes)}; {kept}", soft_wrap=True
    )
    for root in plan.gone:
        session.say(f"the project `{root.state.parent}` is not there any more, so bytes without a record here stay")
        session.say(
            "hint: if it was moved, run any command in it; if it was deleted, add `--forget-root` and its folder"
        )
    if plan.reclaims and not is_applied:
        session.say("nothing was deleted; add --apply to delete")
    return 0


def _declared(graph: AssetGraph) -> dict[AssetKey, AssetKey]:
    """Return the key of every declared asset by its key, and by its earlier names."""
    aliases = {AssetKey(a): key for key, step in graph.steps.items() for a in step.declaration.options.aliases}
    return {**aliases, **{key: key for key in graph.order}}


def _forget(session: Session, asked: Cleaning, path: Path) -> None:
    from assetctl.storage.state.roots import forget

    if not sum(forget(place.store, path) for place in asked.places):
        raise SelectionError(
            Problem(
                "unknown-project",
                f"no project at `{path}` keeps bytes in this store",
                (("store", str(asked.layout.store)),),
                "name its folder as `assetctl gc` does",
            )
        )
    session.say(f"struck off: {path}")


def _document(plan: GcPlan, *, is_applied: bool) -> dict[str, Any]:
    return {
        "schema": "assetctl.gc/1",
        "applied": is_applied,
        "reclaims": [
            {"path": str(r.path), "digest": r.digest, "size_bytes": r.size_bytes, "why": r.why, "asset": r.asset}
            for r in plan.reclaims
        ],
        "reclaimed_bytes": plan.reclaimed_bytes,
        "n_kept": plan.n_kept,
        "kept_bytes": plan.kept_bytes,
        "assets": [
            {"asset": asset, "n_files": n, "reclaimed_bytes": n_bytes, "kept_bytes": plan.kept.get(asset, 0)}
            for asset, n, n_bytes in _by_asset(plan)
            if asset is not None
        ],
        "n_spared": plan.n_spared,
        "spared_bytes": plan.spared_bytes,
        "gone_roots": [str(root.state.parent) for root in plan.gone],
    }


def _by_asset(plan: GcPlan) -> list[tuple[AssetKey | None, int, int]]:
    """Return how many files, and bytes, go of each asset; what belongs to none comes last."""
    found: dict[AssetKey | None, list[int]] = {}
    for reclaim in plan.reclaims:
        found.setdefault(reclaim.asset, []).append(reclaim.size_bytes)
    of_assets = sorted((asset, len(sizes), sum(sizes)) for asset, sizes in found.items() if asset is not None)
    of_none = [(None, len(found[None]), sum(found[None]))] if None in found else []
    return [*of_assets, *of_none]


def _show(session: Session, plan: GcPlan) -> None:
    from assetctl.cli.text.render import headed_table, text

    why: dict[AssetKey | None, set[str]] = {}
    for reclaim in plan.reclaims:
        why.setdefault(reclaim.asset, set()).add(reclaim.why)
    rows = [
        (
            text(f"{n:,}"),
            text(size(n_bytes)),
            text(size(plan.kept.get(asset, 0)) if asset is not None else ""),
            text("; ".join(sorted(why[asset]))),
        )
        for asset, n, n_bytes in _by_asset(plan)
    ]
    if rows:
        headings = ("files", "size", "stays", "why")
        session.out.print(headed_table(headings, rows, right=("files", "size", "stays")))
