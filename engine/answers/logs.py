"""Find what steps printed: of an asset the last time it ran, of a run, or of the last run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from assetctl.assets.errors import AssetctlError, Problem, SelectionError
from assetctl.assets.hints import did_you_mean
from assetctl.assets.ids import AssetKey
from assetctl.engine.workspace.workspace import Workspace
from assetctl.storage.state.layout import file_name, key_of

_SHORTEST_RUN = 4


@dataclass(frozen=True, slots=True)
class Log:
    """What one step printed in one run; `asset` is the step's key."""

    run_id: str
    asset: AssetKey
    text: str


def logs_of(workspace: Workspace, what: str | None = None, tail: int | None = None) -> list[Log]:
    """Return logs: of an asset's last run, of a run (its id or the beginning of it), or of the last run.

    `tail` leaves only the last so many lines of each. Nothing was run yet: there are none.

    Raises:
        SelectionError: there is no such asset or run.
    """
    folder = workspace.layout.logs
    runs = sorted((path for path in folder.iterdir() if path.is_dir()), reverse=True) if folder.is_dir() else []
    return [
        Log(path.parent.name, AssetKey(key_of(path.stem)), _text(path, tail)) for path in _find(workspace, runs, what)
    ]


def _find(workspace: Workspace, runs: Sequence[Path], what: str | None) -> list[Path]:
    if what is None:
        return sorted(runs[0].glob("*.log")) if runs else []
    of_run = next((run for run in runs if run.name.startswith(what)), None) if len(what) >= _SHORTEST_RUN else None
    step = _step_of(workspace, what)
    names = (file_name(step), step.replace("/", "__"))  # the second: as an earlier release named it
    logs = (run / f"{name}.log" for run in runs for name in names)
    of_asset = next((path for path in logs if path.is_file()), None)
    if of_asset is not None:
        return [of_asset]
    if of_run is not None:
        return sorted(of_run.glob("*.log"))
    known = {AssetKey(key_of(path.stem)) for run in runs for path in run.glob("*.log")}
    raise SelectionError(_no_log(what, known))


def _step_of(workspace: Workspace, what: str) -> str:
    """Return the step that makes an asset; an asset gone from the code goes by its own name."""
    try:
        step = workspace.graph().steps.get(AssetKey(what))
    except AssetctlError:
        step = None  # logs are most wanted while something is broken
    return what if step is None else step.key


def _no_log(what: str, known: Iterable[str]) -> Problem:
    hint = did_you_mean(what, known) or "see `assetctl history` for runs, `assetctl ls` for assets"
    return Problem("no-log", f"there is no log of an asset or run `{what}`", hint=hint)


def _text(path: Path, tail: int | None) -> str:
    text = path.read_text(encoding="utf-8", errors="replace")
    return text if tail is None else "".join(text.splitlines(keepends=True)[-tail:])
