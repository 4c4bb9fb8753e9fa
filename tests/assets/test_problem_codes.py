"""Every code is documented, used, and leads to the exit code that its page says."""

from __future__ import annotations

import ast
import errno
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from assetctl.assets import errors
from assetctl.assets.problem_codes import ProblemCode, code_of
from tests.assets.errors_page import EXIT_CODES, LISTED

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("assets", "lineage", "storage", "engine", "integrations", "cli")
CODES: tuple[str, ...] = get_args(ProblemCode)
TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path.name != "problem_codes.py"
}


def test_codes_are_short_and_in_kebab_case():
    assert list(CODES) == sorted(set(CODES))
    assert [code for code in CODES if not re.fullmatch(r"[a-z]+(-[a-z]+)*", code) or len(code) > 30] == []


def test_the_page_lists_every_code_once():
    assert sorted(LISTED) == sorted(CODES)
    assert set(EXIT_CODES) == set(CODES), "each row has a code, exit codes, a meaning and what to do"


def test_every_code_is_used():
    used = {n.value for tree in TREES.values() for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    of_the_system = {code_of(OSError(number, "")) for number in errno.errorcode}
    assert sorted(set(CODES) - used - of_the_system) == []


def raised() -> Iterator[tuple[str, str, int]]:
    """Yield place, code and exit code of each problem that is made right where its error is."""
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            error: ast.expr
            problems: list[ast.expr]
            if isinstance(node.func, ast.Attribute) and node.func.attr == "of":
                error, problems = node.func.value, [node]
            else:
                error, problems = node.func, list(filter(_is_problem, node.args))
            kind = getattr(errors, error.id, None) if isinstance(error, ast.Name) else None
            if not isinstance(kind, type) or not issubclass(kind, errors.AssetctlError):
                continue
            for problem in problems:
                code = problem.args[0] if isinstance(problem, ast.Call) else None
                if isinstance(code, ast.Constant):
                    yield f"{file}:{node.lineno}", str(code.value), kind.exit_code


def _is_problem(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem"


def test_a_code_leads_to_the_exit_codes_that_the_page_says():
    places = list(raised())
    assert len(places) > 80
    wrong = [f"{place}: `{code}` exits with {exits}" for place, code, exits in places if exits not in EXIT_CODES[code]]
    assert wrong == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk-full"),
        (errno.EDQUOT, "disk-full"),
        (errno.EROFS, "disk-read-only"),
        (errno.EACCES, "permission-denied"),
        (errno.EPERM, "permission-denied"),
        (errno.EMFILE, "too-many-open-files"),
        (errno.ENFILE, "too-many-open-files"),
        (errno.EIO, "io-error"),
        (errno.ENOENT, "io-error"),
        (None, "io-error"),
    ],
)
def test_what_the_system_refuses_has_a_code_by_its_number(number, code):
    assert code_of(OSError(number, "refused") if number else OSError("refused")) == code


def test_an_error_keeps_the_code_of_each_problem():
    error = errors.DeclarationError(errors.Problem("bad-config", "one"), errors.Problem("bad-check", "two"))
    assert [problem.code for problem in error.problems] == ["bad-config", "bad-check"]
    assert errors.ProjectError.of("no-project", "none here", ("in", "x")).problems == (
        errors.Problem("no-project", "none here", (("in", "x"),)),
    )
