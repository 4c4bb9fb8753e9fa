"""`assetctl gc`: delete stored data that nothing needs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assetctl.assets.errors import Problem, SelectionError
from assetctl.cli.options import DURATION
from assetctl.cli.session import Session
from assetctl.cli.text.speech import count, size
from assetctl.cli.verbs import Guide, Verb

if TYPE_CHECKING:
    from assetctl.engine.care.clean_up import CleanedUp, CleanUpOptions

_GUIDE = Guide(
    (
        ("assetctl gc", "what can go: bytes without a record, unfinished writes"),
        ("assetctl gc --keep-last 1 --keep-for 30d --apply", "delete; versions of the last 30 days stay"),
        ("assetctl gc --keep-last 3 --keep-branches", "also older versions, but for what a git branch published last"),
        ("assetctl gc --drop-removed", "also what belongs to assets gone from the code"),
    ),
    (0, 2, 5, 6, 70),
)


def rule_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options that say what is kept; the command gets them as one `options: CleanUpOptions`."""

    @functools.wraps(function)
    def call(
        *args: Any,
        keep_last: int | None,
        keep_for: float | None,
        keep_branches: bool | None,
        drop_removed: bool,
        **kwargs: Any,
    ) -> int:
        from assetctl.engine.care.clean_up import CleanUpOptions

        options = CleanUpOptions(keep_last, keep_for, keep_branches, drop_removed)
        return function(*args, options=options, **kwargs)

    decorated: Callable[..., int] = call
    for decorate in (
        click.option("--drop-removed", is_flag=True, help="Keep nothing of assets that are no longer declared."),
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
@click.option("--dry-run", is_flag=True, help="Only say what would go; so it is without --apply too.")
@click.option("--apply", "is_applied", is_flag=True, help="Delete what can go.")
@click.option(
    "--forget-root", multiple=True, metavar="PATH", help="First strike a project off those sharing the store."
)
@click.pass_obj
def command(
    session: Session, options: CleanUpOptions, dry_run: bool, is_applied: bool, forget_root: tuple[str, ...]
) -> int:
    """Say which stored bytes nothing needs, and with --apply delete them.

    The latest version of every asset always stays, so does what is pinned, and so does the whole history: only
    bytes go. What another project in the same store refers to, or anybody is using, is never touched.
    """
    if dry_run and is_applied:
        raise SelectionError(
            Problem("contradicting-options", "--dry-run and --apply contradict each other", hint="give one of them")
        )
    options = replace(options, forget_roots=tuple(map(Path, forget_root)))
    done = session.project.gc(
        options, apply=is_applied, on_root_forgotten=lambda root: session.say(f"struck off: {root}")
    )
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.care import gc_json

        write_json(gc_json(done))
    else:
        _show(session, done)
    return 0


def _show(session: Session, done: CleanedUp) -> None:
    _show_space(session, done)
    spared = f"; another project needs {count(done.n_spared, 'more file')}, {size(done.spared_bytes)}"
    kept = f"kept {count(done.n_kept, 'blob')}, {size(done.kept_bytes)}{spared if done.n_spared else ''}"
    did = "deleted" if done.is_applied else "can go:"
    session.out.print(f"{did} {count(len(done.files), 'file')}, {size(done.reclaimed_bytes)}; {kept}", soft_wrap=True)
    for root in done.gone_roots:
        session.say(f"the project `{root}` is not there any more, so nothing that it may need goes")
        session.say(
            "hint: if it was moved, run any command in it; if it was deleted, add `--forget-root` and its folder"
        )
    if done.files and not done.is_applied:
        session.say("nothing was deleted; add --apply to delete")


def _show_space(session: Session, done: CleanedUp) -> None:
    from assetctl.cli.text.render import headed_table, text

    rows = [
        (
            text(f"{space.n_files:,}"),
            text(size(space.reclaimed_bytes)),
            text(size(space.kept_bytes) if space.asset is not None else ""),
            text("; ".join(space.why)),
        )
        for space in done.by_asset
    ]
    if rows:
        headings = ("files", "size", "stays", "why")
        session.out.print(headed_table(headings, rows, right=("files", "size", "stays")))
