"""`assetctl logs`: what steps printed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from assetctl.assets.errors import AssetctlError, Problem, SelectionError
from assetctl.assets.hints import did_you_mean
from assetctl.assets.ids import AssetKey
from assetctl.cli.options import optional_asset_argument
from assetctl.cli.session import Session
from assetctl.cli.text.speech import clean
from assetctl.cli.verbs import Guide, Verb
from assetctl.storage.state.layout import file_name, key_of

_GUIDE = Guide(
    (
        ("assetctl logs", "everything the last run printed"),
        ("assetctl logs model", "what `model` printed the last time it ran"),
        ("assetctl logs 01m83nzfs0 --tail 50", "the last lines of each step of a run"),
    )
)


@click.command("logs", cls=Verb, guide=_GUIDE)
@optional_asset_argument
@click.option("--tail", type=click.IntRange(min=1), metavar="N", help="Only the last N lines of each step.")
@click.option("--raw", is_flag=True, help="Print control characters as they are.")
@click.pass_obj
def command(session: Session, asset: str | None, tail: int | None, raw: bool) -> int:
    """Print what steps printed: of ASSET the last time it ran, of a run (its id or the beginning of it), or of the last run."""
    folder = session.project.workspace.layout.logs
    runs = sorted((path for path in folder.iterdir() if path.is_dir()), reverse=True) if folder.is_dir() else []
    found = _find(session, runs, asset)
    texts = [(path, _lines(path, tail)) for path in found]
    if session.as_json:
        from assetctl.cli.text.json_output import write_json

        logs = [{"run_id": p.parent.name, "asset": AssetKey(key_of(p.stem)), "text": text} for p, text in texts]
        write_json({"schema": "assetctl.logs/1", "logs": logs})
        return 0
    for path, text in texts:
        if len(texts) > 1:
            session.say(f"{AssetKey(key_of(path.stem))}  run {path.parent.name}")
        sys.stdout.write(text if raw else clean(text))
    if not found:
        session.say("nothing was run yet: assetctl materialize")
    return 0


def _find(session: Session, runs: list[Path], what: str | None) -> list[Path]:
    """Return the logs of an asset's last run, of a run, or of the last run."""
    if what is None:
        return sorted(runs[0].glob("*.log")) if runs else []
    of_run = next((run for run in runs if run.name.startswith(what)), None) if len(what) >= 4 else None
    step = _step_of(session, what)
    names = (file_name(step), step.replace("/", "__"))  # the second: as an earlier release named it
    logs = (run / f"{name}.log" for run in runs for name in names)
    of_asset = next((path for path in logs if path.is_file()), None)
    if of_asset is not None:
        return [of_asset]
    if of_run is not None:
        return sorted(of_run.glob("*.log"))
    known = {AssetKey(key_of(path.stem)) for run in runs for path in run.glob("*.log")}
    raise SelectionError(_no_log(what, known))


def _step_of(session: Session, what: str) -> str:
    """Return the step that makes an asset; an asset gone from the code goes by its own name."""
    try:
        step = session.project.graph().steps.get(AssetKey(what))
    except AssetctlError:
        step = None  # logs are most wanted while something is broken
    return what if step is None else step.key


def _no_log(what: str, known: Iterable[str]) -> Problem:
    hint = did_you_mean(what, known) or "see `assetctl history` for runs, `assetctl ls` for assets"
    return Problem("no-log", f"there is no log of an asset or run `{what}`", hint=hint)


def _lines(path: Path, tail: int | None) -> str:
    text = path.read_text(encoding="utf-8", errors="replace")
    return text if tail is None else "".join(text.splitlines(keepends=True)[-tail:])
