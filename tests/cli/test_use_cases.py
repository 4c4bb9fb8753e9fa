"""Whatever the command line can do, a notebook or a page can do with `Project`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from assetctl.cli.verbs import SECTIONS
from assetctl.engine import use_cases
from assetctl.engine.project import Project

ROOT = Path(__file__).parents[2]
USE_CASES = {  # verb -> the methods of `Project` that do it
    "plan": ("plan",),
    "materialize": ("materialize", "plan"),
    "accept": ("accept",),
    "status": ("status",),
    "why": ("why",),
    "lineage": ("lineage",),
    "show": ("show",),
    "get": ("get", "open_file"),
    "sql": ("ask", "ask_team", "sql_history"),
    "logs": ("logs",),
    "history": ("history",),
    "diff": ("diff",),
    "ls": ("select", "assets"),
    "rollback": ("rollback",),
    "pin": ("pins", "pin", "unpin"),
    "mv": ("move",),
    "rm": ("forget",),
    "verify": ("verify",),
    "doctor": ("doctor", "rebuild"),
    "gc": ("gc",),
    "push": ("push",),
    "keys": ("keys", "signing_key", "make_signing_key"),
    "sync": ("sync",),
}
WITHOUT_A_PROJECT = {
    "init": "it writes the files of which a project is made",
    "completion": "it prints a script for a shell",
    "version": "the release is `assetctl.__version__`",
}
KEYS_WITHOUT_A_PROJECT = {"signing_key", "make_signing_key"}  # called where there may be none, by their own functions


def used_of_project(verb: str) -> set[str]:
    """Return the attributes of `project` that a verb's module uses."""
    tree = ast.parse((ROOT / "cli" / "commands" / f"{verb}.py").read_text(encoding="utf-8"))
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and is_project(node.value)}


def is_project(node: ast.expr) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "project") or (
        isinstance(node, ast.Name) and node.id == "project"
    )


def test_every_verb_has_a_use_case_or_a_reason_to_have_none():
    verbs = {verb for section in SECTIONS.values() for verb in section}
    assert verbs == USE_CASES.keys() | WITHOUT_A_PROJECT.keys()
    assert not USE_CASES.keys() & WITHOUT_A_PROJECT.keys()


@pytest.mark.parametrize("verb", USE_CASES)
def test_a_verb_calls_its_use_cases(verb):
    assert [name for name in USE_CASES[verb] if not hasattr(Project, name)] == []
    assert set(USE_CASES[verb]) - KEYS_WITHOUT_A_PROJECT <= used_of_project(verb)


@pytest.mark.parametrize("verb", WITHOUT_A_PROJECT)
def test_a_verb_without_a_use_case_opens_no_project(verb):
    assert used_of_project(verb) == set()


def test_every_public_method_says_what_it_does():
    public = [name for name in vars(Project) if not name.startswith("_")]
    assert len(public) > 30
    assert [name for name in public if not (getattr(Project, name).__doc__ or "").strip()] == []


def test_each_use_case_comes_from_the_room_that_type_checkers_see():
    tree = ast.parse((ROOT / "engine" / "use_cases.py").read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    seen = {a.name: i.module for i in imports for a in i.names if (i.module or "").startswith("assetctl.engine")}
    assert seen.keys() == set(use_cases.__all__)
    assert {name: getattr(use_cases, name).__module__ for name in seen} == seen
