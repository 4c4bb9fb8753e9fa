"""Symbols of a code version come back as they were identified, and a text is recorded once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from assetctl.lineage.facts.records import CodeIdentity, CodeRecorded, CodeVersion, Digest, Fact, Symbol, SymbolText
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.journal.wire import UnknownFact, from_json, to_json
from assetctl.storage.lineage_store.history import code_facts, recorded_symbols
from assetctl.storage.lineage_store.store import DuckLineageStore
from assetctl.storage.state.layout import Layout
from tests.storage.facts import digest

N_SYMBOLS, N_VERSIONS = 50, 20
LINE = "    total = sum(value * weight for value, weight in zip(values, weights) if value is not None)\n"


def identity(version: int) -> CodeIdentity:
    """A project of 50 symbols; version `n` has another text for the symbols `n` and `n + 1`."""
    symbols = []
    for number in range(N_SYMBOLS):
        edit = version if version in {number, number - 1} else 0
        source = f"def helper_{number}(values, weights):\n{LINE * 8}    return total + {edit}\n"
        place = f"helpers/module_{number % 5}.py:{number * 10}"
        symbols.append(Symbol(f"helpers.helper_{number}", "function", digest(source), place, "pipeline.model", source))
    symbols.append(Symbol("helpers.K", "value", digest("3"), "helpers.py:1", "pipeline.model", "3"))
    return CodeIdentity(CodeVersion(digest(f"code {version}")), tuple(symbols), {}, {})


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.of(tmp_path)


def test_symbols_come_back_as_they_were_identified(layout: Layout) -> None:
    journal = FileJournal(layout)
    store = DuckLineageStore(layout, journal)
    for version in range(3):  # a process each: what is known is asked of the store
        store.refresh()
        journal.append(code_facts(identity(version), set(store.texts())))
    store.refresh()
    for version in range(3):
        assert recorded_symbols(store, identity(version).version) == identity(version).symbols
    assert recorded_symbols(store, CodeVersion(digest("never"))) == ()
    assert store.query(
        "SELECT count(*) AS n, count(DISTINCT digest) AS kinds FROM lineage.symbol_texts"
    ).to_pylist() == [{"n": N_SYMBOLS + 4, "kinds": N_SYMBOLS + 4}]


def test_a_text_recorded_by_two_processes_at_once_is_shown_once(layout: Layout) -> None:
    writers = [FileJournal(layout), FileJournal(layout)]
    for writer in writers:
        writer.append(code_facts(identity(1), set()))
    store = DuckLineageStore(layout, writers[0])
    store.refresh()
    assert recorded_symbols(store, identity(1).version) == identity(1).symbols
    assert len(store.texts()) == N_SYMBOLS


def test_a_lost_text_leaves_the_symbols(layout: Layout) -> None:
    journal = FileJournal(layout)
    journal.append([fact for fact in code_facts(identity(1), set()) if not isinstance(fact, SymbolText)])
    store = DuckLineageStore(layout, journal)
    store.refresh()
    symbols = recorded_symbols(store, identity(1).version)
    assert symbols == tuple(replace(s, source="" if s.kind == "function" else s.source) for s in identity(1).symbols)


_BEFORE = {
    "k": "code_recorded",
    "v": 1,
    "code": "b3:1",
    "symbols": [{"name": "f", "kind": "function", "digest": "b3:2", "where": "p.py:1", "via": "", "source": "def f()"}],
}


def test_the_form_before_texts_were_apart_is_read() -> None:
    expected = Symbol("f", "function", Digest("b3:2"), "p.py:1", "", "def f()")
    assert from_json(_BEFORE) == CodeRecorded(CodeVersion("b3:1"), (expected,))


@pytest.mark.parametrize("version", [0, 3, "2", None, True, 1.5])
def test_a_form_from_another_time_is_unknown(version: object) -> None:
    with pytest.raises(UnknownFact, match="unknown version"):
        from_json({**_BEFORE, "v": version})


def _size(facts: list[Fact]) -> int:
    return sum(len(json.dumps(to_json(fact))) for fact in facts)


def test_a_code_version_costs_what_changed_and_one_line_for_each_symbol() -> None:
    known: set[Digest] = set()
    apart = [_size(code_facts(identity(version), known)) for version in range(N_VERSIONS)]
    whole = [_size([CodeRecorded(identity(v).version, identity(v).symbols)]) for v in range(N_VERSIONS)]
    assert sum(apart) < sum(whole) / 3
    assert max(apart[1:]) < N_SYMBOLS * 280
