"""`assetctl verify`: hash what is stored again."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import click

from assetctl.assets.errors import CorruptionError
from assetctl.cli.options import selection_argument
from assetctl.cli.session import Session
from assetctl.cli.text.speech import count, size
from assetctl.cli.verbs import Guide, Verb

if TYPE_CHECKING:
    from assetctl.engine.answers.healing import Present
    from assetctl.storage.care.subset import Subset
    from assetctl.storage.care.verify import Damage, Inventory, Piece, Use

    _SubsetParam = click.ParamType[Subset]
else:
    _SubsetParam = click.ParamType  # generic since click 8.4 only

_GUIDE = Guide(
    (
        ("assetctl verify", "hash every stored byte that a record stands on"),
        ("assetctl verify model+ --latest", "only what readers get now, of some assets"),
        ("assetctl verify --read-data-subset 5%", "hash a random part, another one each time; or a size, as 1G"),
        ("assetctl verify --read-data-subset 2/10", "the second of ten parts that make up the whole"),
    ),
    (0, 2, 4, 6, 70, 130),
)


class _SubsetType(_SubsetParam):
    name = "subset"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Subset:
        from assetctl.storage.care.subset import parse_subset

        try:
            return parse_subset(str(value))
        except ValueError as cause:
            self.fail(str(cause), param, ctx)


class _OnBytes(Protocol):
    def __call__(self, n_bytes: int, /) -> None: ...


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
def command(session: Session, selection: tuple[str, ...], latest: bool, subset: Subset | None) -> int:
    """Hash what is stored again; exit code 4 if anything is corrupt, saying what would heal it.

    Nothing is changed or moved: what is corrupt is set aside by the next read of it.
    """
    from assetctl.engine.answers.healing import present_of, selected_assets
    from assetctl.storage.care.subset import choose
    from assetctl.storage.care.verify import read_again, take_inventory
    from assetctl.storage.state.in_use import in_use

    project = session.project
    assets = selected_assets(project.workspace, selection)
    with in_use(project.workspace.layout):  # what is deleted meanwhile would look lost
        stored = take_inventory(project.workspace.layout, assets, latest_only=latest)
        chosen = list(stored.pieces) if subset is None else choose(stored.pieces, subset, random.Random())
        with _progress(session, sum(piece.size_bytes or 0 for piece in chosen)) as on_bytes:
            damages = [*stored.damages, *read_again(chosen, on_bytes)]
    damages.sort(key=lambda damage: (damage.is_missing, str(damage.path), damage.what))
    present = present_of(project.workspace) if damages else None
    if session.as_json:
        from assetctl.cli.text.json_output import write_json

        write_json(_document(stored, chosen, damages, present))
    else:
        _show(session, stored, chosen, damages, present)
    return 0 if all(damage.is_missing for damage in damages) else CorruptionError.exit_code


@contextmanager
def _progress(session: Session, n_bytes: int) -> Iterator[_OnBytes]:
    """Show on a terminal how far reading is."""
    if not session.err.is_terminal or session.quiet or session.as_json:
        yield lambda _n_bytes: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=session.err, transient=True) as progress:
        task = progress.add_task("", total=n_bytes)
        yield lambda n_read: progress.advance(task, n_read)


def _uses(damage: Damage) -> Sequence[Use | None]:
    return damage.uses or (None,)


def _hint(damage: Damage, use: Use | None, present: Present | None) -> str:
    if use is None or present is None:
        return "the record is lost; what it recorded is rebuilt, `assetctl plan` says which"
    from assetctl.engine.answers.healing import healing

    return healing(damage, use, present)


def _document(
    stored: Inventory, chosen: Sequence[Piece], damages: Sequence[Damage], present: Present | None
) -> dict[str, Any]:
    entries: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    for damage in damages:
        for use in _uses(damage):
            entries[damage.is_missing].append(
                {
                    "asset": use and use.target.asset,
                    "data_version": use and use.data_version,
                    "materialization": use and use.materialization,
                    "part": use.part if use else "",
                    "latest": use.is_latest if use else None,
                    "digest": damage.digest,
                    "file": str(damage.path),
                    "what": damage.what,
                    "hint": _hint(damage, use, present),
                }
            )
    return {
        "schema": "assetctl.verify/1",
        "sound": not entries[False],
        "corrupt": entries[False],
        "missing": entries[True],
        "n_blobs": len(stored.pieces),
        "stored_bytes": stored.stored_bytes,
        "n_read": len(chosen),
        "read_bytes": sum(piece.size_bytes or 0 for piece in chosen),
        "n_inline": stored.n_inline,
    }


def _show(
    session: Session,
    stored: Inventory,
    chosen: Sequence[Piece],
    damages: Sequence[Damage],
    present: Present | None,
) -> None:
    from assetctl.cli.text.render import text

    for damage in damages:
        word, style = ("missing", "yellow") if damage.is_missing else ("corrupt", "bold red")
        for use in _uses(damage):
            whose = f"`{use.target}@{use.data_version.removeprefix('b3:')[:8]}`" if use else "the journal"
            part = f", {use.part}" if use and use.part else ""
            is_old = ", an earlier version" if use and not use.is_latest else ""
            line = text(f"{word}: ", style).append_text(text(f"{whose}{part}{is_old}: {damage.what}"))
            session.out.print(line, soft_wrap=True)
            session.out.print(text(f"  in   {damage.path}", "dim"), soft_wrap=True)
            session.out.print(text(f"hint: {_hint(damage, use, present)}"), soft_wrap=True)
    read_bytes = sum(piece.size_bytes or 0 for piece in chosen)
    of = "" if len(chosen) == len(stored.pieces) else f" of {len(stored.pieces):,} ({size(stored.stored_bytes)})"
    inline = f", {count(stored.n_inline, 'value')} kept in records" if stored.n_inline else ""
    n_corrupt = sum(not damage.is_missing for damage in damages)
    n_missing = len(damages) - n_corrupt
    said = ", ".join(f"{n:,} {word}" for n, word in ((n_corrupt, "corrupt"), (n_missing, "missing")) if n)
    session.out.print(
        text(f"read {count(len(chosen), 'blob')}, {size(read_bytes)}{of}{inline}: {said or 'all sound'}"),
        soft_wrap=True,
    )
