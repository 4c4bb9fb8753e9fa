"""`assetctl gc`: delete stored data that nothing needs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from assetctl.cli.options import DURATION
from assetctl.cli.session import Session
from assetctl.cli.speech import count, size
from assetctl.cli.verbs import Guide, Verb

if TYPE_CHECKING:
    from assetctl.storage.gc import GcPlan, Reclaim

_GUIDE = Guide(
    (
        ("assetctl gc", "what can go: bytes without a record, unfinished writes"),
        ("assetctl gc --keep-last 3", "also older versions than the last three of each asset"),
        ("assetctl gc --keep-last 1 --keep-for 30d --apply", "delete; versions of the last 30 days stay"),
        ("assetctl gc --drop-removed", "also what belongs to assets gone from the code"),
    ),
    (0, 2, 5, 6, 70),
)


@click.command("gc", cls=Verb, guide=_GUIDE)
@click.option("--keep-last", type=click.IntRange(min=1), metavar="N", help="Keep the last N versions of each asset.")
@click.option("--keep-for", type=DURATION, metavar="TIME", help="Keep versions younger than this (12h, 30d).")
@click.option("--drop-removed", is_flag=True, help="Keep nothing of assets that are no longer declared.")
@click.option("--apply", "is_applied", is_flag=True, help="Delete; without it, only say what would go.")
@click.pass_obj
def command(
    session: Session, keep_last: int | None, keep_for: float | None, drop_removed: bool, is_applied: bool
) -> int:
    """Say which stored bytes nothing needs, and with --apply delete them.

    The latest version of every asset always stays, and so does the whole history: only
    bytes go. What was written since is never touched.
    """
    from assetctl.storage.gc import KeepRules, apply_gc, plan_gc

    project = session.project
    declared = project.graph().order if drop_removed else None
    rules = KeepRules(keep_last=keep_last, younger_than_s=keep_for, drop_removed=drop_removed)
    plan = plan_gc(project.layout, project.stores.journal, declared, rules, time.time())
    gone: Sequence[Reclaim] = apply_gc(project.layout, project.stores.journal, plan) if is_applied else plan.reclaims
    if session.as_json:
        from assetctl.cli.jsonout import write_json

        write_json(_document(plan, gone, is_applied=is_applied))
        return 0
    _show(session, gone)
    n_bytes = sum(reclaim.size_bytes for reclaim in gone)
    kept = f"kept {count(plan.n_kept, 'blob')}, {size(plan.kept_bytes)}"
    did = "deleted" if is_applied else "can go:"
    session.out.print(f"{did} {count(len(gone), 'file')}, {size(n_bytes)}; {kept}", soft_wrap=True)
    if gone and not is_applied:
        session.say("nothing was deleted; add --apply to delete")
    return 0


def _document(plan: GcPlan, gone: Sequence[Reclaim], *, is_applied: bool) -> dict[str, Any]:
    return {
        "schema": "assetctl.gc/1",
        "applied": is_applied,
        "reclaims": [
            {"path": str(r.path), "digest": r.digest, "size_bytes": r.size_bytes, "why": r.why, "asset": r.asset}
            for r in gone
        ],
        "reclaimed_bytes": sum(reclaim.size_bytes for reclaim in gone),
        "n_kept": plan.n_kept,
        "kept_bytes": plan.kept_bytes,
    }


def _show(session: Session, gone: Sequence[Reclaim]) -> None:
    from assetctl.cli.render import headed_table, text

    by_why: dict[str, list[Reclaim]] = {}
    for reclaim in gone:
        by_why.setdefault(reclaim.why, []).append(reclaim)
    rows = [
        (text(f"{len(found):,}"), text(size(sum(r.size_bytes for r in found))), text(why))
        for why, found in by_why.items()
    ]
    if rows:
        session.out.print(headed_table(("files", "size", "why"), rows, right=("files", "size")))
