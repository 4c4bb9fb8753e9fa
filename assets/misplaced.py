"""Find declarations that were written, but that no module attribute leads to."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from types import ModuleType

from assetctl.assets.definition import AssetDef, CheckDef
from assetctl.assets.errors import Problem
from assetctl.assets.importing import text_of

_BOUND = re.compile(r"^(?:async\s+def|def)\s+(\w+)|^(\w+)\s*(?::[^=\n]+)?=(?!=)", re.MULTILINE)
_ALONE = ("asset", "check")
_PACKAGE = "assetctl"


def declared_twice(module: ModuleType, known: Collection[str], relative: Callable[[str], str]) -> list[Problem]:
    """Return a problem for each name of a module under which a second declaration took the place of a first.

    `known` says where the declarations that some attribute leads to are declared: none of these was lost.
    """
    file = getattr(module, "__file__", None)
    text = text_of(file) if isinstance(file, str) else None
    if text is None:
        return []
    names = [function or name for function, name in _BOUND.findall(text)]
    if len(names) == len(set(names)):
        return []
    lines: dict[str, list[int]] = {}
    for name, line in _declarations(ast.parse(text), vars(module)):
        lines.setdefault(name, []).append(line)
    return [
        Problem(
            "declared-twice",
            f"`{name}` is declared {len(places)} times in one file, and only the last one is left",
            tuple(("declared in", f"{relative(str(file))}:{line}") for line in places),
            "rename all but one; `key=` says what an asset is called, whatever its function is",
        )
        for name, places in lines.items()
        if any(f"{relative(str(file))}:{line}" not in known for line in places[:-1])
    ]


def on_methods(module: str, namespace: Mapping[str, object], relative: Callable[[str], str]) -> list[Problem]:
    """Return a problem for each declaration that is an attribute of a class of this module."""
    problems = []
    for value in list(namespace.values()):
        if not isinstance(value, type) or value.__module__ != module:
            continue
        for name, held in list(vars(value).items()):
            inner = held.__func__ if isinstance(held, staticmethod | classmethod) else held
            if isinstance(inner, AssetDef | CheckDef) and inner.compute.module == module:
                word = "asset" if isinstance(inner, AssetDef) else "check"
                problems.append(
                    Problem(
                        "asset-on-method",
                        f"`@{word}` is on `{value.__qualname__}.{name}`, which is part of a class",
                        (("declared in", relative(inner.compute.where)),),
                        "declare a function of the module, and call the method from it",
                    )
                )
    return problems


def _declarations(tree: ast.Module, namespace: Mapping[str, object]) -> Iterator[tuple[str, int]]:
    """Yield name and line of the statements of a module that bind a name to a declaration."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if any(_is_ours(decorator, namespace) for decorator in node.decorator_list):
                yield node.name, min(node.lineno, *(decorator.lineno for decorator in node.decorator_list))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if isinstance(node.value, ast.Call) and _is_ours(node.value, namespace):
                used = {inner.id for inner in ast.walk(node.value) if isinstance(inner, ast.Name)}
                for target in targets:
                    if isinstance(target, ast.Name) and target.id not in used:
                        yield target.id, node.lineno


def _is_ours(node: ast.expr, namespace: Mapping[str, object]) -> bool:
    """Say whether an expression is `asset`, `check` or `source.…` of this package, or a call of one."""
    while isinstance(node, ast.Call | ast.Attribute):
        node = node.func if isinstance(node, ast.Call) else node.value
    if not isinstance(node, ast.Name):
        return False
    named = namespace.get(node.id)
    named = named.func if isinstance(named, functools.partial) else named
    module = str(getattr(named, "__module__", ""))
    if isinstance(named, ModuleType):
        module = named.__name__
    return module == _PACKAGE or (
        module.startswith(f"{_PACKAGE}.assets.") and not isinstance(named, AssetDef | CheckDef)
    )
