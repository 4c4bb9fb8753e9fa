"""Random programs: an edit that changes what `model` does changes its code version; a neutral edit never does."""

from __future__ import annotations

import random
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assetctl.engine.workspace.code_world import ProjectWorld
from assetctl.lineage.identity.code.identify import CodeIdentifier
from tests.lineage.code_projects import KEY, imported
from tests.lineage.program_edits import Files, mutated, neutral_edits
from tests.lineage.programs import make_program

_SAMPLES = (-4, 0, 3, 8)
_MOST_CALLS = 2_000  # of one run of `model`; an edit can make a program endless
_SETTINGS = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), print_blob=False
)
_UNFIT = (
    ImportError,
    RuntimeError,
    NameError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    LookupError,
    SyntaxError,
)
_UNCLEAR = "never fresh"
_Seen = tuple[str, tuple[str, ...]]


class _TooLong(BaseException):
    """The program called too many functions."""


def _observe(folder: Path, files: Files) -> _Seen | None:
    """Return the code version of `model` and what it gives for each sample; None if the program cannot be imported."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    try:
        with warnings.catch_warnings(action="ignore"), imported(folder) as module:
            identity = CodeIdentifier(ProjectWorld(folder, KEY)).identify(module.model)
            is_clear = not identity.undecidable and not identity.dynamic
            return (identity.version if is_clear else _UNCLEAR), _behaviour(module)
    except _UNFIT:
        return None


def _behaviour(module: ModuleType) -> tuple[str, ...]:
    answers = []
    for sample in _SAMPLES:
        calls = 0

        def count(frame: FrameType, event: str, argument: Any) -> None:
            nonlocal calls
            calls += event == "call"
            if event == "call" and calls % _MOST_CALLS == 0:
                raise _TooLong

        before = sys.getprofile()
        sys.setprofile(count)
        try:
            answer = repr(module.model.fn(sample))
            answers.append("_TooLong" if calls >= _MOST_CALLS else answer)
        except (Exception, _TooLong) as error:  # noqa: BLE001  what a program raises is what it does
            answers.append(type(error).__name__)
        finally:
            sys.setprofile(before)
    return tuple(answers)


def _check_changes(choose: random.Random, folder: Path, seen: Counter[str]) -> None:
    """Edit a program until its behaviour changes, three times at most."""
    before = make_program(choose).files()
    first = _observe(folder / "before", before)
    assert first is not None and first[0] != _UNCLEAR, before
    for _ in range(3):
        after = mutated(choose, before)
        second = _observe(folder / "after", after)
        if second is None or "_TooLong" in first[1] + second[1]:
            seen["not runnable"] += 1
        elif first[1] == second[1]:
            seen["same behaviour"] += 1
        else:
            seen["changed"] += 1
            assert first[0] != second[0], (before, after)
            return


def _check_neutral_edits(choose: random.Random, folder: Path, seen: Counter[str]) -> None:
    """Make every neutral edit of a program."""
    program = make_program(choose)
    first = _observe(folder / "before", program.files())
    assert first is not None and first[0] != _UNCLEAR, program
    for kind, files in neutral_edits(choose, program):
        seen[kind] += 1
        assert _observe(folder / "after", files) == first, (kind, program.files(), files)


_Check = Callable[[random.Random, Path, Counter[str]], None]


def _run(check: _Check, folder: Path, n_examples: int) -> Counter[str]:
    seen: Counter[str] = Counter()

    @settings(_SETTINGS, max_examples=n_examples)
    @given(st.randoms(use_true_random=False))
    def examples(choose: random.Random) -> None:
        check(choose, folder, seen)

    examples()
    return seen


def test_an_edit_that_changes_behaviour_changes_the_code_version(tmp_path: Path) -> None:
    seen = _run(_check_changes, tmp_path, 60)
    assert seen["changed"] > 20, seen


@pytest.mark.slow
def test_a_neutral_edit_keeps_the_code_version(tmp_path: Path) -> None:
    seen = _run(_check_neutral_edits, tmp_path, 20)
    assert len(seen) == 11, seen


@pytest.mark.soak
@pytest.mark.parametrize("check", [_check_changes, _check_neutral_edits])
def test_many_random_edits(check: _Check, tmp_path: Path) -> None:
    for seed in range(20_000):
        check(random.Random(seed), tmp_path, Counter())
