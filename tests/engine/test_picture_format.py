"""In which format a picture is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from assetctl.assets.errors import SelectionError
from assetctl.engine.answers.picture import chosen_format


@pytest.mark.parametrize(
    ("form", "name", "chosen"),
    [
        (None, None, "text"),
        (None, "x", "text"),
        (None, "x.SVG", "svg"),
        (None, "x.gv", "dot"),
        ("json", None, "json"),
        ("json", "x", "json"),
        ("dot", "x.txt", "dot"),
        ("png", "x.png", "png"),
    ],
)
def test_the_format_is_what_was_said_or_what_the_name_ends_in(form, name, chosen):
    assert chosen_format(form, Path(name) if name else None) == chosen


@pytest.mark.parametrize(("form", "name"), [(None, "x.pdf"), (None, "x.html"), ("json", "x.svg"), ("svg", "x.png"), ("png", "x.txt")])  # fmt: skip
def test_a_name_that_says_something_else_is_refused(form, name):
    with pytest.raises(SelectionError):
        chosen_format(form, Path(name))
