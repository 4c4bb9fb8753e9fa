"""Scoping agrees with the compiler's own symbol tables."""

from __future__ import annotations

import ast
import symtable
import types
from pathlib import Path

import pytest

from assetctl.lineage.identity.code.scopes import chain_of, function_reads
from assetctl.lineage.identity.code.sources import SourceFile

_FILES = ["argparse", "ast", "asyncio.tasks", "collections", "dataclasses", "enum", "functools", "inspect", "typing"]


def _parsed(name: str) -> SourceFile:
    path = __import__(name, fromlist=["x"]).__file__
    assert path is not None
    return SourceFile(path, Path(path).read_text(encoding="utf-8"), None, None)


def _compiled_outside(code: types.CodeType) -> set[str]:
    """Return the names that compiled code and all code in it takes from outside."""
    import dis

    free = set(code.co_freevars) - {"__class__"}
    names: set[str] = set()
    stack = [code]
    while stack:
        current = stack.pop()
        stack.extend(const for const in current.co_consts if isinstance(const, types.CodeType))
        for step in dis.get_instructions(current):
            is_free = step.opname == "LOAD_DEREF" and step.argval in free
            if is_free or step.opname in {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_CLASSDEREF"}:
                names.add(str(step.argval))
    return names


@pytest.mark.parametrize("name", _FILES)
def test_every_outside_name_of_compiled_code_is_found(name: str) -> None:
    file = _parsed(name)
    stack = [compile(file.text, file.name, "exec")]
    n_checked = 0
    while stack:
        code = stack.pop()
        stack.extend(const for const in code.co_consts if isinstance(const, types.CodeType))
        function = file.function(code)
        if function is None:
            continue
        reads = {read.chain[0] for read in function.described().reads.names}
        class_level = {"__name__", "__module__", "__qualname__", "__annotations__"}
        missed = _compiled_outside(code) - reads - class_level
        assert not missed, (code.co_qualname, missed)
        n_checked += 1
    assert n_checked > 20


@pytest.mark.parametrize("name", _FILES)
def test_nothing_that_a_function_binds_is_reported(name: str) -> None:
    file = _parsed(name)
    tables = [symtable.symtable(file.text, file.name, "exec")]
    by_place = {}
    while tables:
        table = tables.pop()
        tables.extend(table.get_children())
        if isinstance(table, symtable.Function) and table.get_name() != "lambda":
            by_place[table.get_name(), table.get_lineno()] = table
    for node in file.nodes().functions:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        function = by_place.get((node.name, node.lineno))
        if function is None:
            continue
        local = {s.get_name() for s in function.get_symbols() if s.is_local()}
        free_below = {s for child in function.get_children() for s in child.get_identifiers()}
        annotated = {r.chain[0] for r in function_reads(node).names if r.is_annotation or r.imported is not None}
        reported = {r.chain[0] for r in function_reads(node).names}
        assert not (reported & local) - annotated - free_below, node.name


def test_chains_are_dotted_names_only() -> None:
    assert chain_of(ast.parse("a.b.c", mode="eval").body) == ("a", "b", "c")
    assert chain_of(ast.parse("a().b", mode="eval").body) == ()
