"""One grammar of durations, for timeouts, settings and options of the command line alike."""

from __future__ import annotations

import click
import pytest

from assetctl.assets.decorator import asset
from assetctl.assets.durations import HOW_TO_WRITE, parse_duration
from assetctl.assets.errors import DeclarationError, ProjectError
from assetctl.cli.options import DURATION
from assetctl.engine.workspace.settings import find_settings


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("90s", 90.0),
        ("0s", 0.0),
        ("10m", 600.0),
        ("12h", 43_200.0),
        ("30d", 2_592_000.0),
        ("1.5h", 5_400.0),
        ("0.5ms", 0.0005),
        ("90 s", 90.0),
        (" 90s\n", 90.0),
    ],
)
def test_a_duration_means_the_same_everywhere(tmp_path, text, seconds):
    (tmp_path / "pyproject.toml").write_text(f"[tool.assetctl]\nkeep = {{ for = {_toml(text)} }}\n")
    assert parse_duration(text) == seconds
    assert asset(lambda: 1, timeout=text).options.timeout_s == seconds
    assert find_settings(tmp_path).keep.for_s == seconds
    assert DURATION.convert(text, None, None) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "soon", "90", "s", "-1s", "+1s", "1e3s", "1,5h", ".5h", "5.h", "1h30m", "90S", "1w", "٣s", "90s!", "nan s"],
)
def test_what_is_not_a_duration_is_refused_in_the_same_words(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(f"[tool.assetctl]\nkeep = {{ for = {_toml(text)} }}\n", encoding="utf-8")
    assert parse_duration(text) is None
    with pytest.raises(DeclarationError) as timeout:
        asset(lambda: 1, timeout=text)
    with pytest.raises(ProjectError) as setting:
        find_settings(tmp_path)
    with pytest.raises(click.BadParameter) as option:
        DURATION.convert(text, None, None)
    of_timeout, of_setting = timeout.value.problems[0], setting.value.problems[0]
    assert (of_timeout.message, of_timeout.hint) == (f"timeout {text!r} is not a duration", HOW_TO_WRITE)
    assert (of_setting.message, of_setting.hint) == (f"`keep.for = {text!r}` is not a duration", HOW_TO_WRITE)
    assert option.value.message == f"{text!r} is not a duration; {HOW_TO_WRITE}"


@pytest.mark.parametrize("seconds", [None, 0, 3, 0.25])
def test_a_timeout_may_be_a_number_of_seconds(seconds):
    assert asset(lambda: 1, timeout=seconds).options.timeout_s == seconds


def _toml(text: str) -> str:
    return '"' + text.replace("\n", "\\n") + '"'
