"""How a run is told: live on a terminal, plain elsewhere, to a program that may stop reading."""

from __future__ import annotations

import io
import os
import sys

import pytest
from rich.console import Console

from assetctl.assets.ids import Target
from assetctl.cli.text.progress import JsonReporter, LineReporter, LiveReporter, reporter_for
from assetctl.lineage.deciding import events
from assetctl.lineage.deciding.reasons import CodeChanged
from assetctl.lineage.facts.kinds import RunStatus

A, B = Target.parse("orders"), Target.parse("model")
RUN: list[events.Event] = [
    events.RunStarted("r1", 2, 0, 0),
    events.StepStarted(A, (A,), (CodeChanged("b3:a", "b3:b"),)),
    events.StepRetried(A, 2, 3, "OSError", "down", 1.0),
    events.StepStarted(A, (A,), (CodeChanged("b3:a", "b3:b"),), attempt=2),
    events.StepFailed(A, (A,), (), "OSError", "down", "Traceback", "", 1.0),
    events.StepSkipped(B, (B,), A),
    events.RunFinished("r1", RunStatus.FAILED, (), (), (), (A,), (B,), 1.0),
]


def terminal(is_terminal: bool = True) -> Console:
    return Console(file=io.StringIO(), width=100, force_terminal=is_terminal, color_system=None)


def told(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def is_live(reporter: LiveReporter) -> bool:
    return reporter._progress.live.is_started


def test_a_live_run_leaves_only_its_lines_behind():
    console = terminal()
    reporter = LiveReporter(console, 6)
    for event in RUN[:4]:
        reporter(event)
    assert is_live(reporter)
    assert [task.description for task in reporter._progress.tasks] == ["0 of at most 2 steps", "orders  attempt 2"]
    for event in RUN[4:]:
        reporter(event)
    assert not is_live(reporter)
    assert "▸ orders" not in told(console), "what runs is shown live, not as a line"
    assert "✗ orders" in told(console)
    assert "failed in 1.0 s: 1 failed, 1 skipped" in told(console)


def test_a_live_run_that_breaks_off_gives_the_terminal_back():
    reporter = LiveReporter(terminal(), 6)
    reporter(RUN[0])
    reporter.close()
    assert not is_live(reporter)


def test_a_run_without_work_shows_no_display():
    reporter = LiveReporter(terminal(), 6)
    reporter(events.RunStarted("r1", 0, 0, 3))
    assert not is_live(reporter)


def test_plain_lines_say_why_when_a_step_starts_and_hold_no_escapes():
    console = terminal(is_terminal=False)
    reporter = LineReporter(console, 6)
    for event in RUN:
        reporter(event)
    reporter.close()
    lines = told(console).splitlines()
    assert lines[0] == "▸ orders  code changed"
    assert lines[1].startswith("! orders  attempt 2 of 3 in 1.0 s")
    assert [line for line in lines if line.startswith("▸")] == lines[:1], "a second attempt is no second start"
    assert "\x1b" not in told(console)


def test_quiet_says_only_what_failed():
    console = terminal(is_terminal=False)
    reporter = LineReporter(console, 6, quiet=True)
    for event in RUN:
        reporter(event)
    assert [line[:8] for line in told(console).splitlines()][:2] == ["✗ orders", "    Trac"]
    fine = terminal(is_terminal=False)
    LineReporter(fine, 6, quiet=True)(events.RunFinished("r1", RunStatus.SUCCEEDED, (A,), (), (), (), (), 1.0))
    assert told(fine) == ""


@pytest.mark.parametrize(
    ("is_terminal", "variables", "quiet", "kind"),
    [
        (True, {}, False, LiveReporter),
        (True, {}, True, LineReporter),
        (True, {"CI": "1"}, False, LineReporter),
        (True, {"NO_COLOR": "1"}, False, LineReporter),
        (True, {"TERM": "dumb"}, False, LineReporter),
        (False, {}, False, LineReporter),
    ],
)
def test_only_a_real_terminal_gets_a_live_display(monkeypatch, is_terminal, variables, quiet, kind):
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    console = Console(file=io.StringIO(), force_terminal=is_terminal, _environ={**os.environ})
    assert type(reporter_for(console, {A: ""}, quiet=quiet)) is kind


def test_a_program_that_stops_reading_does_not_stop_the_run(monkeypatch):
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        reporter = JsonReporter()
        reporter(RUN[0])
        assert os.read(reading, 10_000).startswith(b'{"schema": "assetctl.run/1", "event": "run_started"')
        os.close(reading)
        for event in RUN:
            reporter(event)
