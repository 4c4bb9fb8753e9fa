"""No decision hangs on the words of an error: what tells kinds apart is a code, a type or an enumeration.

A reworded message must never change behaviour. Where a library says something in words
alone, one named function reads them, and is listed here with the test that runs it
against the real library.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("assets", "lineage", "storage", "engine", "integrations", "cli")
WORDS = {"message", "what", "strerror", "msg", "args"}
"""Attributes that hold the words of a problem, a finding or an exception."""
READING = {"startswith", "endswith", "find", "rfind", "index", "count", "removeprefix", "removesuffix", "partition"}
MATCHING = {"search", "match", "fullmatch", "findall", "finditer"}

DUCK, DUCK_TESTS = "storage/lineage_store/duck.py", "tests/storage/test_duck_errors.py"
READS_WORDS = {
    f"{DUCK}::is_in_the_way": f"{DUCK_TESTS}::test_what_the_system_refuses_is_in_the_way",
    f"{DUCK}::is_damage": f"{DUCK_TESTS}::test_damage_is_told_from_mistakes_at_once_and_after_the_first_rows",
    f"{DUCK}::missing_table": f"{DUCK_TESTS}::test_the_missing_table_is_named",
    f"{DUCK}::holder_of": "tests/storage/test_doctor.py::test_a_database_held_by_another_program_is_a_warning",
    f"{DUCK}::interruptible": "tests/storage/test_lineage_store.py::test_a_signal_while_duckdb_works_is_that_signal_and_no_damage",
    f"{DUCK}::lacks_quotes": f"{DUCK_TESTS}::test_a_name_that_lacks_its_quotes_is_noticed",
}
"""Functions that read the words of a library, as `file::function`, and the test that holds them to it."""


def readings(source: str) -> list[tuple[str, int]]:
    """Return the functions (`""`: the module) and lines in which the words of an error are compared or searched."""
    tree = ast.parse(source)
    places = [(name, line) for name, body in _scopes(tree) for line in _lines_that_read(body)]
    return sorted(set(places), key=lambda place: place[1])


def _scopes(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    yield "", tree
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a scope without those of the functions in it."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _own(child)


def _lines_that_read(scope: ast.AST) -> Iterator[int]:
    nodes = list(_own(scope))
    errors = {node.name for node in nodes if isinstance(node, ast.ExceptHandler) and node.name}
    errors |= {arg.arg for arg in _parameters(scope) if _is_error_type(arg.annotation)}
    texts: set[str] = set()
    while True:  # until no more names hold such text
        more = {
            target.id
            for node in nodes
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None
            if _has_words(node.value, errors, texts)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        if more <= texts:
            break
        texts |= more
    for node in nodes:
        if isinstance(node, ast.expr | ast.stmt) and _reads(node, errors, texts):
            yield node.lineno


def _parameters(scope: ast.AST) -> list[ast.arg]:
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    return [*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs]


def _is_error_type(annotation: ast.expr | None) -> bool:
    names = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)} if annotation else set()
    attributes = (
        {node.attr for node in ast.walk(annotation) if isinstance(node, ast.Attribute)} if annotation else set()
    )
    return any(name.endswith(("Error", "Exception", "Fault")) for name in names | attributes)


def _has_words(node: ast.AST, errors: set[str], texts: set[str]) -> bool:
    """Say whether an expression is made of the words of an error."""
    if isinstance(node, ast.Attribute):
        return node.attr in WORDS or _has_words(node.value, errors, texts)
    if isinstance(node, ast.Name):
        return node.id in texts
    if isinstance(node, ast.Call):
        is_text = isinstance(node.func, ast.Name) and node.func.id in ("str", "repr")
        if is_text and any(isinstance(arg, ast.Name) and arg.id in errors for arg in node.args):
            return True
        return isinstance(node.func, ast.Attribute) and _has_words(node.func.value, errors, texts)
    if isinstance(node, ast.FormattedValue):
        return (isinstance(node.value, ast.Name) and node.value.id in errors) or _has_words(node.value, errors, texts)
    if isinstance(node, ast.JoinedStr | ast.BinOp | ast.BoolOp | ast.IfExp | ast.Subscript):
        return any(_has_words(child, errors, texts) for child in ast.iter_child_nodes(node))
    return False


def _reads(node: ast.AST, errors: set[str], texts: set[str]) -> bool:
    def has_words(part: ast.AST) -> bool:
        return _has_words(part, errors, texts)

    if isinstance(node, ast.Compare):
        is_none = all(isinstance(op, ast.Is | ast.IsNot) for op in node.ops)
        return not (is_none or _is_said_already(node)) and any(map(has_words, (node.left, *node.comparators)))
    if isinstance(node, ast.Match):
        return has_words(node.subject)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in READING:
            return has_words(node.func.value)
        return node.func.attr in MATCHING and any(map(has_words, node.args))
    return False


def _is_said_already(node: ast.Compare) -> bool:
    """Say whether a text is looked for among the warnings, so that none is given twice."""
    return isinstance(node.comparators[-1], ast.Attribute) and node.comparators[-1].attr == "warnings"


@pytest.mark.parametrize(
    "statement",
    [
        'any("failed" in p.message for p in problems)',
        'if "unknown" in problem.what: pass',
        'if problem.message == "x": pass',
        'if problem.message.lower().startswith("x"): pass',
        'if re.search("x", problem.message): pass',
        "match problem.message:\n  case 'x': pass",
        "try: f()\nexcept OSError as e:\n  if 'full' in str(e): pass",
        "try: f()\nexcept OSError as e:\n  if e.args[0] == 28: pass",
        "try: f()\nexcept OSError as e:\n  if e.strerror == 'x': pass",
        "try: f()\nexcept OSError as e:\n  text = str(e).lower()\n  is_full = any(s in text for s in signs)",
        "try: f()\nexcept OSError as e:\n  text = f'{e}'\n  line = text[:3]\n  match = PATTERN.search(line)",
        "def f(cause: Exception):\n  return 'lock' in str(cause)",
        "def f(cause: duckdb.Error):\n  return str(cause).find('x') > 0",
    ],
)
def test_reading_the_words_of_an_error_is_noticed(statement):
    assert len(readings(statement)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        'if problem.code == "import-failed": pass',
        "lines = [problem.message for problem in problems]",
        "text = problem.message or problem.hint",
        "if problem.message is None: pass",
        "try: f()\nexcept OSError as e:\n  first = str(e).splitlines()[0] if str(e) else ''",
        "try: f()\nexcept OSError as e:\n  if e.errno == errno.ENOSPC: pass",
        'def f(text: str):\n  return "x" in text',
        "def f(self, flaw: OSError):\n  text = f'no: {flaw}'\n  if text not in self.warnings: self.warnings.append(text)",
        'message = "x"\nif message == "x": pass',
    ],
)
def test_saying_them_is_not(statement):
    assert readings(statement) == []


def test_no_decision_reads_the_words_of_an_error():
    places = {
        f"{file.relative_to(ROOT).as_posix()}::{function}": line
        for folder in FOLDERS
        for file in sorted((ROOT / folder).rglob("*.py"))
        for function, line in readings(file.read_text(encoding="utf-8"))
    }
    others = [f"{place} (line {line})" for place, line in places.items() if place not in READS_WORDS]
    assert others == [], "tell kinds apart by a code, a type or an enumeration, not by words"
    assert sorted(set(READS_WORDS) - set(places)) == [], "these read no words any more"


def test_each_function_that_reads_a_library_has_a_test_against_it():
    for place, test in READS_WORDS.items():
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{place}: {test}"
