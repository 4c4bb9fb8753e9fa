"""Report a run as it happens: live on a terminal, plain lines elsewhere, events as JSON for programs.

A reporter is called with each event, from whatever thread has it, and closed at the end.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from assetctl.assets.ids import Target
from assetctl.cli.text.json_output import write_line
from assetctl.cli.text.render_run import Frame, because, event_lines, show_summary
from assetctl.cli.text.speech import clean
from assetctl.cli.text.typed import Words
from assetctl.lineage.deciding.events import (
    Event,
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepKept,
    StepRestored,
    StepRetried,
    StepSkipped,
    StepStarted,
    Warned,
    event_json,
)

if TYPE_CHECKING:
    from rich.progress import ProgressColumn


class JsonReporter:
    """One event a line on stdout. Whoever reads may stop reading; the run goes on."""

    def __init__(self, typed: Words = str) -> None:
        self._typed = typed
        self._is_read = True
        self._lock = threading.RLock()  # a signal may come while it is held, and be told of too

    def __call__(self, event: Event) -> None:
        with self._lock:
            if not self._is_read:
                return
            if isinstance(event, StepFailed | Warned) and event.hint is not None:
                event = replace(event, hint=self._typed(event.hint))
            try:
                write_line(event_json(event))
            except BrokenPipeError:
                self._is_read = False
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class LineReporter:
    """A plain line when a step starts, saying why, and one or more when it ends."""

    says_why_at_end = False

    def __init__(self, console: Console, name_width: int, *, quiet: bool = False, typed: Words = str) -> None:
        self._console = console
        self._frame = Frame(console.width, name_width, says_why=self.says_why_at_end, typed=typed)
        self._quiet = quiet
        self._events: list[Event] = []
        self._lock = threading.RLock()  # a signal may come while it is held, and be told of too

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._events.append(event)
            self._tell(event)

    def _tell(self, event: Event) -> None:
        if isinstance(event, RunFinished):
            if not self._quiet or event.status != "succeeded":
                show_summary(self._console, event, self._events, quiet=self._quiet)
            return
        if self._quiet and not isinstance(event, StepFailed):
            return
        if isinstance(event, StepStarted) and event.attempt == 1:
            self._print(Text(f"▸ {', '.join(event.outputs)}  {clean(because(event.reasons))}".rstrip()))
        for line in event_lines(event, self._frame):
            self._print(line)

    def _print(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True)

    def close(self) -> None:
        """Nothing is held back."""


class LiveReporter(LineReporter):
    """Finished steps scroll by above a display of the running ones and of how far the run is."""

    says_why_at_end = True

    def __init__(self, console: Console, name_width: int, *, typed: Words = str) -> None:
        super().__init__(console, name_width, typed=typed)
        spinner: ProgressColumn = SpinnerColumn("line" if _is_ascii(console) else "dots")
        self._progress = Progress(
            spinner, TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
        )
        self._running: dict[Target, TaskID] = {}
        self._overall: TaskID | None = None
        self._n_done = self._n_most = 0

    def _tell(self, event: Event) -> None:
        match event:
            case RunStarted(n_run=n_run, n_maybe=n_maybe):
                self._n_most = n_run + n_maybe
                if self._n_most:
                    self._progress.start()
                    self._overall = self._progress.add_task(self._how_far())
            case StepStarted():
                self._end(event.step)
                again = f"  attempt {event.attempt}" if event.attempt > 1 else ""
                name = clean(", ".join(event.outputs))
                self._running[event.step] = self._progress.add_task(f"{name}{again}")
                return
            case (
                StepFinished()
                | StepRestored()
                | StepFailed()
                | StepSkipped()
                | StepKept(by_cutoff=True)
                | StepKept(pinned=str())
            ):
                self._end(event.step)
                self._n_done += 1
                if self._overall is not None:
                    self._progress.update(self._overall, description=self._how_far())
            case StepRetried():
                self._end(event.step)
            case RunFinished():
                self.close()
            case _:
                pass
        super()._tell(event)

    def _end(self, step: Target) -> None:
        task = self._running.pop(step, None)
        if task is not None:
            self._progress.remove_task(task)

    def _how_far(self) -> str:
        return f"{self._n_done} of at most {self._n_most} steps"

    def close(self) -> None:
        self._progress.stop()


def reporter_for(console: Console, keys: Collection[str], *, quiet: bool, typed: Words = str) -> LineReporter:
    """Return the reporter that suits where the console writes; `typed` completes the commands of hints."""
    name_width = max((len(key) for key in keys), default=0)
    is_live = console.is_terminal and not console.is_dumb_terminal and not os.environ.get("CI")
    if is_live and not quiet and not os.environ.get("NO_COLOR"):
        return LiveReporter(console, name_width, typed=typed)
    return LineReporter(console, name_width, quiet=quiet, typed=typed)


def _is_ascii(console: Console) -> bool:
    return console.options.ascii_only
