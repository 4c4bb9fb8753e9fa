"""`assetctl verify`: hash what is stored again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from assetctl.assets.errors import CorruptionError
from assetctl.cli.options import selection_argument
from assetctl.cli.session import Session
from assetctl.cli.text.speech import count, size
from assetctl.cli.verbs import Guide, Verb

if TYPE_CHECKING:
    from assetctl.engine.care.verify import Damaged, OnProgress, Verified

    _TextParam = click.ParamType[str]
else:
    _TextParam = click.ParamType  # generic since click 8.4 only

_GUIDE = Guide(
    (
        ("assetctl verify", "hash every stored byte that a record stands on"),
        ("assetctl verify model+ --latest", "only what readers get now, of some assets"),
        ("assetctl verify --read-data-subset 5%", "hash a random part, another one each time; or a size, as 1G"),
        ("assetctl verify --read-data-subset 2/10", "the second of ten parts that make up the whole"),
    ),
    (0, 2, 4, 6, 70, 130),
)


class _SubsetType(_TextParam):
    name = "subset"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from assetctl.engine.care.verify import check_subset

        try:
            return check_subset(str(value))
        except ValueError as cause:
            self.fail(str(cause), param, ctx)


@click.command("verify", cls=Verb, guide=_GUIDE)
@selection_argument
@click.option("--latest", is_flag=True, help="Only the latest version of each asset; otherwise all that are stored.")
@click.option(
    "--read-data-subset",
    "subset",
    type=_SubsetType(),
    metavar="5%|2/10|1G",
    help="Read only a part of the bytes; the rest is looked at by size.",
)
@click.pass_obj
def command(session: Session, selection: tuple[str, ...], latest: bool, subset: str | None) -> int:
    """Hash what is stored again; exit code 4 if anything is corrupt, saying what would heal it.

    Nothing is changed or moved: what is corrupt is set aside by the next read of it.
    """
    from assetctl.engine.care.verify import VerifyOptions

    with _progress(session) as on_progress:
        verified = session.project.verify(*selection, options=VerifyOptions(latest, subset), on_progress=on_progress)
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.care import verify_json

        write_json(verify_json(verified))
    else:
        _show(session, verified)
    return 0 if verified.is_sound else CorruptionError.exit_code


@contextmanager
def _progress(session: Session) -> Iterator[OnProgress | None]:
    """Show on a terminal how far reading is, from its first bytes to its last."""
    if not session.err.is_terminal or session.quiet or session.as_json:
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=session.err, transient=True)
    task = progress.add_task("")

    def show(n_read: int, n_bytes: int) -> None:
        if n_read < n_bytes:
            progress.start()
        progress.update(task, completed=n_read, total=n_bytes)
        if n_read == n_bytes:
            progress.stop()

    try:
        yield show
    finally:
        progress.stop()


def _show(session: Session, verified: Verified) -> None:
    from assetctl.cli.text.render import text

    for damaged in verified.damaged:
        word, style = ("missing", "yellow") if damaged.is_missing else ("corrupt", "bold red")
        line = text(f"{word}: ", style).append_text(text(f"{_whose(damaged)}: {damaged.what}"))
        session.out.print(line, soft_wrap=True)
        session.out.print(text(f"  in   {damaged.path}", "dim"), soft_wrap=True)
        session.out.print(text(f"hint: {session.typed(damaged.hint)}"), soft_wrap=True)
    is_all = verified.n_read == verified.n_blobs
    of = "" if is_all else f" of {verified.n_blobs:,} ({size(verified.stored_bytes)})"
    inline = f", {count(verified.n_inline, 'value')} kept in records" if verified.n_inline else ""
    counts = ((verified.n_corrupt, "corrupt"), (verified.n_missing, "missing"))
    said = ", ".join(f"{n:,} {word}" for n, word in counts if n)
    session.out.print(
        text(f"read {count(verified.n_read, 'blob')}, {size(verified.read_bytes)}{of}{inline}: {said or 'all sound'}"),
        soft_wrap=True,
    )


def _whose(damaged: Damaged) -> str:
    use = damaged.use
    if use is None:
        return "the journal"
    part = f", {use.part}" if use.part else ""
    is_old = "" if use.is_latest else ", an earlier version"
    return f"`{use.target}@{use.data_version.removeprefix('b3:')[:8]}`{part}{is_old}"
