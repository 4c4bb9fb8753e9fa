"""`get -o -`: what a terminal is shown, and what a pipe gets."""

from __future__ import annotations

import io
import re
import sys

import click
import pytest

from assetctl.assets.errors import SelectionError
from assetctl.cli.commands.get import _print
from assetctl.cli.verbs import group
from assetctl.engine.answers.endings import WRITERS, Family
from tests.cli.calls import call


class Screen(io.TextIOWrapper):
    def __init__(self, is_terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    @property
    def shown(self) -> bytes:
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue()


def printed(monkeypatch, content: bytes, *, is_terminal: bool) -> bytes:
    screen = Screen(is_terminal)
    monkeypatch.setattr(sys, "stdout", screen)
    try:
        _print(io.BytesIO(content), "a")
    finally:
        monkeypatch.undo()
    return screen.shown


@pytest.mark.parametrize(
    ("content", "at_a_terminal"),
    [
        (b"eve", b"eve\n"),
        (b"eve\n", b"eve\n"),
        (b"", b""),
        ("ä".encode(), "ä\n".encode()),
        (b"\x1b[2J", b"\\x1b[2J\n"),
    ],
)
def test_text_ends_with_a_newline_at_a_terminal_which_it_cannot_steer(monkeypatch, content, at_a_terminal):
    assert printed(monkeypatch, content, is_terminal=True) == at_a_terminal
    assert printed(monkeypatch, content, is_terminal=False) == content


@pytest.mark.parametrize("content", [b"PAR1\0\0", b"\x89PNG\r\n", b"\x80\x05K\x01."])
def test_binary_is_for_pipes_alone(monkeypatch, content):
    with pytest.raises(SelectionError, match="is not text, and this is a terminal"):
        printed(monkeypatch, content, is_terminal=True)
    assert printed(monkeypatch, content, is_terminal=False) == content


def test_what_was_written_is_said_with_its_size(built, tmp_path):
    said = call("-p", built, "get", "clean_trips", "-o", tmp_path / "t.csv")
    size = (tmp_path / "t.csv").stat().st_size
    assert said.err.startswith(f"wrote {tmp_path / 't.csv'} ({size} B, version ")
    assert (
        call("-p", built, "get", "clean_trips", "-o", tmp_path / "j.json", "--json").json["size_bytes"]
        == (tmp_path / "j.json").stat().st_size
    )


def test_the_help_says_which_endings_a_table_and_an_array_can_have():
    said = " ".join(str(group.get_command(click.Context(group), "get").help).split())
    table, array = re.findall(r"(?:A table can be|an array) (.*?)(?:, text|;)", said)
    assert re.findall(r"\.[a-z]+", table) == [ending for ending in WRITERS[Family.TABLE] if ending != ".joblib"]
    assert set(re.findall(r"\.[a-z]+", array)) < {*WRITERS[Family.ARRAY]}
    assert "a table as Parquet (as Arrow, where Parquet would lose something)" in said
