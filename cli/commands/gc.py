"""`assetctl gc`: delete stored data that nothing needs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assetctl.assets.errors import Problem, SelectionError
from assetctl.cli.options import DURATION
from assetctl.cli.session import Session
from assetctl.cli.speech import count, size
from assetctl.cli.verbs import Guide, Verb

if TYPE_CHECKING:
    from assetctl.assets.ids import AssetKey
    from assetctl.storage.gc import Cleaning, GcPlan

_GUIDE = Guide(
    (
        ("assetctl gc", "what can go: bytes without a record, unfinished writes"),
        ("assetctl gc --keep-last 3", "also older versions than the last three of each asset"),
        ("assetctl gc --keep-last 1 --keep-for 30d --apply", "delete; versions of the last 30 days stay"),
        ("assetctl gc --drop-removed", "also what belongs to assets gone from the code"),
        ("assetctl gc --forget-root ../old", "a project that shared the store is gone for good"),
    ),
    (0, 2, 5, 6, 70),
)


@click.command("gc", cls=Verb, guide=_GUIDE)
@click.option("--keep-last", type=click.IntRange(min=1), metavar="N", help="Keep the last N versions of each asset.")
@click.option("--keep-for", type=DURATION, metavar="TIME", help="Keep versions younger than this (12h, 30d).")
@click.option("--drop-removed", is_flag=True, help="Keep nothing of assets that are no longer declared.")
@click.option("--dry-run", is_flag=True, help="Only say what would go; so it is without --apply too.")
@click.option("--apply", "is_applied", is_flag=True, help="Delete what can go.")
@click.option(
    "--forget-root",
    multiple=True,
    metavar="PATH",
    help="First strike a project off the list of those sharing the store.",
)
@click.pass_obj
def command(
    session: Session,
    keep_last: int | None,
    keep_for: float | None,
    drop_removed: bool,
    dry_run: bool,
    is_applied: bool,
    forget_root: tuple[str, ...],
) -> int:
    """Say which stored bytes nothing needs, and with --apply delete them.

    The latest version of every asset always stays, and so does the whole history: only
    bytes go. What another project in the same store refers to, or anybody is using, is never touched.
    """
    if dry_run and is_applied:
        raise SelectionError(Problem("--dry-run and --apply contradict each other", hint="give one of them"))
    from assetctl.storage.gc import Cleaning, apply_gc, plan_gc
    from assetctl.storage.keep import KeepRules

    project = session.project
    declared = project.graph().order if drop_removed else None
    rules = KeepRules(keep_last=keep_last, younger_than_s=keep_for, drop_removed=drop_removed)
    asked = Cleaning(project.layout, project.stores.journal, rules, time.time(), declared)
    for path in forget_root:
        _forget(session, asked, Path(path))
    plan = apply_gc(asked) if is_applied else plan_gc(asked)
    if session.as_json:
        from assetctl.cli.jsonout import write_json

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
        session.say(f"the project `{root.state.parent}` is gone: what only it needed is needed no more")
    if plan.reclaims and not is_applied:
        session.say("nothing was deleted; add --apply to delete")
    return 0


def _forget(session: Session, asked: Cleaning, path: Path) -> None:
    from assetctl.storage.roots import forget

    if not sum(forget(place.store, path) for place in asked.places):
        raise SelectionError(
            Problem(
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
    from assetctl.cli.render import headed_table, text

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
