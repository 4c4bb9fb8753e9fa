"""Show a run: one line per finished step, a block per failure, and a summary that says what happened and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from assetctl.assets.ids import Target
from assetctl.cli.text.render import text
from assetctl.cli.text.speech import clean, count, duration, names, one_line, size
from assetctl.cli.text.typed import Words
from assetctl.lineage.deciding.events import (
    CheckFinished,
    Event,
    ResultsShared,
    RunFinished,
    StepFailed,
    StepFinished,
    StepKept,
    StepRestored,
    StepRetried,
    StepSkipped,
    Warned,
)
from assetctl.lineage.deciding.reasons import NeverMaterialized, Reason, describe
from assetctl.lineage.facts.records import Output

_LOG_LINES = 20
_NAME_WIDTH = 32
_MEASURES_WIDTH = 55  # what stands beside a name in the line of a finished step
_MARKS = {"✓": "green", "↺": "blue", "=": "green", "-": "yellow", "!": "yellow", "✗": "bold red"}


@dataclass(frozen=True, slots=True)
class Frame:
    """How wide lines may be, and how wide names are, so that what follows them lines up.

    `says_why`: a finished step's line says why it ran (its first line did where there is one).
    `typed` completes the commands of hints.
    """

    width: int
    name_width: int
    says_why: bool = True
    typed: Words = str

    def padded(self, name: str) -> str:
        """Return a name as wide as names are here; a longer one as it is."""
        room = max(12, min(_NAME_WIDTH, self.width - _MEASURES_WIDTH))
        return f"{clean(name):<{min(self.name_width, room)}}"

    def line(self, mark: str, key: Target, what: str, why: str = "") -> Text:
        """Return a line of symbol, asset, what happened, and why; the latter below where it does not fit."""
        name = self.padded(key)
        line = Text.assemble((f"{mark} ", _MARKS[mark]), (name, "bold"), f"  {clean(what)}")
        if why:
            fits = line.cell_len + 3 + len(why) <= self.width
            line.append(f"   {clean(why)}" if fits else f"\n    {clean(why)}", "dim")
        return line


def event_lines(event: Event, frame: Frame) -> list[Text]:
    """Return what to print for an event; nothing for those that only matter to a live display."""
    match event:
        case StepFinished():
            why = because(event.reasons) if frame.says_why and not _is_new(event) else ""
            lines = [frame.line("✓", o.target, _finished(event, o), why) for o in event.outputs]
            return lines + [_warning(warning) for warning in event.warnings]
        case StepRestored():
            return [frame.line("↺", o.target, _restored(o), because(event.reasons)) for o in event.outputs]
        case StepKept(outputs=outputs, pinned=str() as pin):
            return [frame.line("=", key, "kept", pin) for key in outputs]
        case StepKept(outputs=outputs, by_cutoff=True):
            return [frame.line("=", key, "kept", "its upstreams came out identical") for key in outputs]
        case StepSkipped(outputs=outputs, because=culprit):
            return [frame.line("-", key, "skipped", f"`{culprit}` failed") for key in outputs]
        case StepRetried():
            what = f"attempt {event.attempt} of {event.n_attempts} in {duration(event.delay_s)}"
            return [frame.line("!", event.step, what, f"{event.error_type}: {one_line(event.message)}")]
        case StepFailed():
            return _failure(event, frame)
        case CheckFinished(ran=ran) if not ran.passed:
            what = f"check `{ran.check}` failed" if ran.blocking else f"check `{ran.check}` warns"
            return [frame.line("✗" if ran.blocking else "!", ran.target, what, one_line(ran.message))]
        case ResultsShared():
            return [Text(f"↑ {_shared(event)}", "dim")]
        case Warned(message, hint):
            return [_warning(message), *([Text(f"hint: {clean(frame.typed(hint))}", "cyan")] if hint else [])]
        case _:
            return []


def _shared(event: ResultsShared) -> str:
    if event.n_waiting:
        return f"uploading {count(event.n_waiting, 'result')} to {clean(event.remote)} ..."
    sent = f"{count(event.n_blobs, 'blob')}, {size(event.size_bytes)} sent"
    return f"shared {count(event.n_results, 'result')} with {clean(event.remote)} ({sent})"


def because(reasons: Sequence[Reason]) -> str:
    """Return the first reasons as one clause."""
    return "; ".join(describe(reason) for reason in reasons[:2]) + (" ..." if len(reasons) > 2 else "")


def _finished(event: StepFinished, output: Output) -> str:
    changed = "content changed" if event.changed.get(output.target, True) else "identical content"
    changed = "new" if _is_new(event) else changed
    return f"{duration(event.duration_s):>8}  {_measures(output)}  {changed}"


def _is_new(event: StepFinished | StepFailed) -> bool:
    return any(isinstance(reason, NeverMaterialized) for reason in event.reasons)


def _restored(output: Output) -> str:
    return f"{'restored':>8}  {_measures(output)}"


def _measures(output: Output) -> str:
    rows = "" if output.value.n_rows is None else count(output.value.n_rows, "row")
    return f"{rows:>14}  {size(output.size_bytes):>8}"


def _warning(message: str) -> Text:
    return Text(f"warning: {clean(message)}", "yellow")


def _failure(event: StepFailed, frame: Frame) -> list[Text]:
    name = frame.padded(", ".join(event.outputs))
    head = Text.assemble(("✗ ", "bold red"), (name, "bold"))
    head.append(
        f"  failed after {duration(event.duration_s)}   {clean(event.error_type)}: {one_line(event.message)}", "red"
    )
    lines = [head]
    if event.traceback:
        lines.append(_indented(event.traceback))
    log = clean(event.log).rstrip().splitlines()
    if log:
        cut = f" (the last {_LOG_LINES} lines; all: `assetctl logs {event.step}`)" if len(log) > _LOG_LINES else ""
        lines.append(Text(f"    what it printed{frame.typed(cut)}:", "dim"))
        lines.append(_indented("\n".join(log[-_LOG_LINES:])))
    if event.hint:
        lines.append(Text(f"hint: {clean(frame.typed(event.hint))}", "cyan"))
    return lines


def _indented(block: str) -> Text:
    return Text("\n".join(f"    {line}" for line in clean(block).rstrip().splitlines()), "dim")


def show_summary(console: Console, finished: RunFinished, events: Sequence[Event], *, quiet: bool = False) -> None:
    """Print the last lines of a run: totals, and what to type next; `quiet`, what was skipped, which no line said yet."""
    style = {"succeeded": "bold green", "failed": "bold red"}.get(finished.status, "bold yellow")
    n_cutoff = sum(len(e.outputs) for e in events if isinstance(e, StepKept) and e.by_cutoff)
    counts = [
        f"{len(keys)} {name}" + (f" ({n_cutoff} by early cutoff)" if name == "fresh" and n_cutoff else "")
        for name, keys in _outcomes(finished).items()
        if keys
    ]
    line = Text.assemble((finished.status, style), f" in {duration(finished.duration_s)}: ")
    line.append(
        ", ".join(counts) or ("nothing finished" if finished.status == "cancelled" else "there is nothing to do")
    )
    line.append(f"   run {finished.run_id}", "dim")
    console.print(line)
    if quiet:
        for failed, skipped in _blamed(events).items():
            console.print(text(f"skipped because `{failed}` failed: {names(skipped, 8)}"))
    if any(isinstance(event, StepFailed) and not _is_new(event) for event in events):
        console.print(text("what these published before stays as it was", "dim"))
    hint = _next(finished)
    if hint:
        console.print(text(f"hint: {hint}", "cyan"))


def _blamed(events: Sequence[Event]) -> Mapping[Target, Sequence[Target]]:
    """Return what was skipped, by the step whose failure is to blame."""
    blamed: dict[Target, list[Target]] = {}
    for event in events:
        if isinstance(event, StepSkipped):
            blamed.setdefault(event.because, []).extend(event.outputs)
    return blamed


def _outcomes(finished: RunFinished) -> Mapping[str, tuple[Target, ...]]:
    return {
        "materialized": finished.materialized,
        "restored": finished.restored,
        "fresh": finished.fresh,
        "failed": finished.failed,
        "skipped": finished.skipped,
    }


def _next(finished: RunFinished) -> str:
    if finished.status == "cancelled":
        return "run the same command again: what finished is kept"
    if finished.failed:
        return "mend it and run the same command again: only what is missing runs"
    return ""
