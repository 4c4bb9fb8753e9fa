"""ARCHITECTURE.md is a true map: it has every room, and what it and docs/invariants.md name exists; GLOSSARY.md has the words used."""

from __future__ import annotations

import ast
import re
from enum import Enum
from pathlib import Path
from typing import get_args

from assetctl.lineage.deciding import provenance
from assetctl.lineage.deciding.decide import Action
from assetctl.lineage.deciding.staleness import Verdict
from assetctl.lineage.facts.records import Trace
from assetctl.lineage.facts.snapshot import OutputState
from assetctl.lineage.identity import define
from assetctl.lineage.identity.code import identify as code
from assetctl.lineage.identity.values import identify as values
from assetctl.storage.state import format as state
from assetctl.storage.state.layout import Layout

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
INVARIANTS = (ROOT / "docs" / "invariants.md").read_text(encoding="utf-8")
LAYERS = ("assets", "lineage", "storage", "engine", "integrations", "cli")
MAX_LINES = 250


def rooms() -> list[str]:
    """Return the rooms of the code map, each as often as it has a row."""
    code_map = PAGE.partition("## Code map")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\S+/)` \|", code_map, re.MULTILINE)


def test_the_code_map_has_a_row_for_every_room():
    files = [p for layer in LAYERS for p in (ROOT / layer).rglob("*.py") if p.name != "__init__.py"]
    there = {f"{path.parent.relative_to(ROOT).as_posix()}/" for path in files}
    assert sorted(rooms()) == sorted(there - {"engine/"})  # its one file is the front door, said above the table


def test_every_file_says_what_it_is_for():
    files = [p for layer in LAYERS for p in (ROOT / layer).rglob("*.py") if p.name != "__init__.py"]
    said = {path: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in files}
    assert [str(path.relative_to(ROOT)) for path, text in said.items() if not text] == []


def test_every_file_named_anywhere_exists():
    named = set(re.findall(r"`([\w./]+/[\w.]+\.(?:py|sql|md))", PAGE))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_every_invariant_names_tests_that_exist():
    _, _, table = PAGE.partition("## Invariants")
    lines = [*table.partition("\n## ")[0].splitlines(), *INVARIANTS.splitlines()]
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| What stays true |")]
    assert len(rows) > 60
    for row in rows:
        tests = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row)
        assert tests, row
        for file, name in tests:
            assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{name}"


def test_every_format_is_named_as_the_code_names_it():
    layout = Layout.of(ROOT)
    formats = [code.FORMAT, values.FORMAT, define.FORMAT, provenance.FORMAT, f"assetctl-state {state.FORMAT}"]
    folders = [layout.journal.name, layout.blobs.name, layout.quarantine.name, layout.cache.name]
    _, _, section = PAGE.partition("**Formats.**")
    assert [name for name in (*formats, *folders) if f"`{name}`" not in section.partition("**Concurrency.**")[0]] == []


def test_the_page_stays_short():
    assert len(PAGE.splitlines()) <= MAX_LINES


def glossary() -> list[str]:
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "GLOSSARY.md").read_text(encoding="utf-8"), re.MULTILINE)
    return [word for row in rows if row != "Word" for word in row.split(", ")]


def test_the_glossary_has_the_words_that_answers_are_given_in():
    answers = {*get_args(Verdict), *Action, *Trace, *OutputState}
    said = {a.value if isinstance(a, Enum) else a.__name__.lower() for a in answers}
    elsewhere = {"restore": "restored", "sound": "trace", "input_changed": "trace", "code_changed": "trace"}
    assert {elsewhere.get(word, word) for word in said} <= set(glossary())


def test_the_glossary_explains_a_word_once():
    words = glossary()
    assert len(words) > 70
    assert [word for word in words if words.count(word) > 1] == []
