"""Only `lineage/` changes what a deliberation knows: everything else tells it, and reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WRITING = {
    *("add", "append", "clear", "difference_update", "discard", "extend", "insert", "intersection_update", "pop"),
    *("popitem", "remove", "setdefault", "symmetric_difference_update", "update", "__setitem__", "__delitem__"),
}
FILES = sorted(path for room in ("engine", "integrations", "cli", "storage") for path in (ROOT / room).rglob("*.py"))


def writes(text: str) -> list[int]:
    """Return the lines that write a field of a deliberation, or use one that is its own."""
    tree = ast.parse(text)
    names = _names_of_deliberations(tree)
    return sorted({line for node in ast.walk(tree) for line in _writes(node, names)})


def _names_of_deliberations(tree: ast.AST) -> set[str]:
    """Return the names that hold a deliberation: by convention, by annotation, or given one under another name."""
    names = {"deliberation"}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None and _names_the_class(node.annotation):
            names.add(node.arg)
        elif isinstance(node, ast.AnnAssign) and _names_the_class(node.annotation):
            names |= _bound(node.target)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _is_deliberation(node.value, names):
            names |= {name for target in node.targets for name in _bound(target)}
    return names


def _names_the_class(annotation: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id in {"Deliberation", "Known"} for node in ast.walk(annotation))


def _bound(target: ast.expr) -> set[str]:
    return (
        {target.id} if isinstance(target, ast.Name) else {target.attr} if isinstance(target, ast.Attribute) else set()
    )


def _writes(node: ast.AST, names: set[str]) -> Iterator[int]:
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.Delete):
        targets = list(node.targets)
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITING:
        targets = [node.func.value]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"setattr", "delattr"}:
        yield from (node.lineno for given in node.args[:1] if _is_deliberation(given, names))
    elif isinstance(node, ast.Attribute) and _is_deliberation(node.value, names) and node.attr.startswith("_"):
        yield node.lineno
    yield from (target.lineno for given in targets for target in _flat(given) if _is_field(target, names))


def _flat(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _flat(element)
    else:
        yield target


def _is_field(target: ast.expr, names: set[str]) -> bool:
    """Say whether something is a field of a deliberation, or lies within one."""
    while isinstance(target, ast.Subscript | ast.Starred | ast.Attribute):
        if isinstance(target, ast.Attribute) and _is_deliberation(target.value, names):
            return True
        target = target.value
    return False


def _is_deliberation(value: ast.expr, names: set[str]) -> bool:
    """Say whether an expression is a deliberation, or what one knows."""
    if isinstance(value, ast.Attribute):
        return value.attr in names or (value.attr == "known" and _is_deliberation(value.value, names))
    return isinstance(value, ast.Name) and value.id in names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nobody_outside_lineage_writes_what_a_deliberation_knows(path: Path) -> None:
    lines = writes(path.read_text("utf-8"))
    assert not lines, f"{path.relative_to(ROOT)} writes it at {lines}: let it learn through a method"


@pytest.mark.parametrize(
    "text",
    [
        "deliberation.known = other",
        "deliberation.known.traces = {}",
        "self.deliberation.known.failures[step] = fact",
        "del made.deliberation.known.pins[target]",
        "deliberation.known.latest, other = {}, 1",
        "deliberation.known.values |= {}",
        "self.deliberation.known.values.pop(target, None)",
        "deliberation.known.latest[target].outputs.append(output)",
        "deliberation.known._latest",
        "setattr(deliberation.known, 'traces', {})",
        "def f(it: Deliberation): it.known.states[target] = state",
        "def f(it: Known): it.states[target] = state",
        "def f(it: Deliberation | None): it.known.checks.clear()",
        "class Run:\n    seen: Deliberation\n    def f(self): self.seen.known.pins.clear()",
        "known = self.deliberation.known\nknown.latest.clear()",
    ],
)
def test_every_way_of_writing_it_is_noticed(text: str) -> None:
    assert writes(text)


@pytest.mark.parametrize(
    "text",
    [
        "deliberation.known.learn(position, fact)",
        "recorded = self.deliberation.known.latest.get(target)",
        "self.deliberation.known.looked_at(output, state)",
        "traces = {**deliberation.known.traces}\ntraces.update(others)",
        "self.deliberation = deliberation",
        "plan, deliberation = made.plan, made.deliberation",
        "known = set()\nknown.add(name)",
    ],
)
def test_reading_it_and_telling_it_is_not(text: str) -> None:
    assert not writes(text)


def test_every_file_is_looked_at() -> None:
    assert len(FILES) > 100
