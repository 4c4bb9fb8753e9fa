"""The page docs/python-api.md: the public names of the package with their signatures, from the docstrings.

Griffe reads the source without importing it, and follows the lazy `assetctl/__init__.py` through the imports that type
checkers see. Every name of `__all__` must have its place in `SECTIONS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from inspect import cleandoc
from pathlib import Path

import griffe

HEADER = """\
# Python API

Everything here is imported from `assetctl` itself, and importing it is cheap: each name is loaded on first use. How the
parts work together is told in [Declaring assets](declaring.md) and [Python and notebooks](notebooks.md).

"""
SECTIONS = {
    "Declaring": ("asset", "source", "check", "CheckResult", "columns", "Context", "Codec", "AssetDef", "AssetKey"),
    "Working with a project": ("Project",),
    "Errors": ("AssetctlError",),
}
NOT_SHOWN = {"__version__"}
OF_THE_ENGINE = {"identified"}
MAX_WIDTH = 88


def page(root: Path) -> str:
    """Return the whole page, made from the source below a checkout's root."""
    package = griffe.load("assetctl", search_paths=[root], resolve_aliases=True)
    assert isinstance(package, griffe.Module)
    placed = {name for names in SECTIONS.values() for name in names}
    missing = placed.symmetric_difference(set(package.exports or ()) - NOT_SHOWN)
    if missing:
        raise SystemExit(
            f"docs/reference_python.py: these need a place in SECTIONS, or are gone: {sorted(map(str, missing))}"
        )
    parts = [HEADER]
    for title, names in SECTIONS.items():
        if title == "Errors":
            parts.append("## What a project takes and answers with\n\n")
            for answer in _answers(package):
                parts += _class(answer.name, answer)
        parts.append(f"## {title}\n\n")
        for name in names:
            parts += _object(name, _target(package[name]))
    parts.append("## Integrations\n\n")
    register = "integrations.mlflow.register_model"
    parts += _object(f"assetctl.{register}", _target(package[register]))
    return "".join(parts).rstrip() + "\n"


def _target(found: griffe.Object | griffe.Alias) -> griffe.Object:
    return found.final_target if isinstance(found, griffe.Alias) else found


def _object(name: str, found: griffe.Object) -> Iterator[str]:
    if isinstance(found, griffe.Function):
        yield f"### {name}\n\n{_signature(name.rpartition('.')[2], found)}{_docstring(found)}"
    elif isinstance(found, griffe.Class) and name == "AssetctlError":
        yield from _errors(found)
    elif isinstance(found, griffe.Class):
        yield from _class(name, found)
    elif isinstance(found, griffe.Attribute):  # `source`: a namespace, the one instance of its class
        kind = found.module[str(found.value).removesuffix("()")]
        yield f"### {name}\n\n{_docstring(kind)}"
        yield from _members(name, kind, level=4)


def _class(name: str, found: griffe.Class, level: int = 3) -> Iterator[str]:
    yield f"{'#' * level} {name}\n\n{_docstring(found)}"
    attributes = [
        f"{_comment(value)}{key}: {value.annotation}"
        for key, value in _public(found)
        if isinstance(value, griffe.Attribute) and value.annotation is not None
    ]
    if attributes:
        yield "```python\n" + "\n".join(attributes) + "\n```\n\n"
    yield from _members(name, found, level + 1)


def _members(name: str, found: griffe.Class, level: int) -> Iterator[str]:
    for key, member in _public(found):
        if isinstance(member, griffe.Function) and (member.docstring is not None or level == 4):
            yield f"{'#' * level} {name}.{key}\n\n{_signature(f'{name}.{key}', member)}{_docstring(member)}"


def _public(found: griffe.Class) -> Iterator[tuple[str, griffe.Object]]:
    hidden = OF_THE_ENGINE if found.name == "Project" else {"to_json", "deliberation"}
    for key, member in found.members.items():
        if not key.startswith("_") and key not in hidden and not member.is_alias:
            yield key, _target(member)


def _comment(member: griffe.Object) -> str:
    return f"# {_text(member).splitlines()[0]}\n" if member.docstring is not None else ""


def _signature(name: str, function: griffe.Function) -> str:
    takes_self = function.parent is not None and function.parent.is_class
    parameters = list(_parameters(list(function.parameters)[int(takes_self) :]))
    returns = f" -> {function.returns}" if function.returns is not None else ""
    line = f"{name}({', '.join(parameters)}){returns}"
    if len(line) > MAX_WIDTH:
        line = f"{name}(\n" + "".join(f"    {parameter},\n" for parameter in parameters) + f"){returns}"
    return f"```python\n{line}\n```\n\n"


def _parameters(parameters: Iterable[griffe.Parameter]) -> Iterator[str]:
    kinds = griffe.ParameterKind
    before: griffe.ParameterKind | None = None
    for parameter in parameters:
        if before is kinds.positional_only and parameter.kind is not before:
            yield "/"
        if parameter.kind is kinds.keyword_only and before not in {kinds.keyword_only, kinds.var_positional}:
            yield "*"
        stars = "*" if parameter.kind is kinds.var_positional else "**" if parameter.kind is kinds.var_keyword else ""
        hint = f": {parameter.annotation}" if parameter.annotation is not None else ""
        default = "" if stars or parameter.default is None else f" = {_shown(parameter.default)}"
        yield f"{stars}{parameter.name}{hint}{default}"
        before = parameter.kind


def _shown(default: griffe.Expr | str) -> str:
    """Return a default as people write it; a name of ours that stands for one is none of their business."""
    return "..." if str(default).startswith("_") else str(default)


def _text(found: griffe.Object) -> str:
    return cleandoc(found.docstring.value) if found.docstring is not None else ""


def _docstring(found: griffe.Object) -> str:
    """Return a docstring as Markdown; what is raised becomes a list."""
    if found.docstring is None:
        return ""
    parts = []
    for section in griffe.parse_google(found.docstring, warnings=False):
        if isinstance(section, griffe.DocstringSectionRaises):
            rows = [f"- `{raised.annotation}`: {' '.join(raised.description.split())}" for raised in section.value]
            parts.append("Raises:\n\n" + "\n".join(rows))
        else:
            parts.append(str(section.value))
    return "\n\n".join(parts) + "\n\n"


def _errors(base: griffe.Class) -> Iterator[str]:
    yield f"### AssetctlError\n\n{_docstring(base)}| Error | Exit code | Raised when |\n|---|---|---|\n"
    for found in base.module.classes.values():
        if any(str(parent) == base.name for parent in found.bases):
            code = found.attributes["exit_code"].value
            yield f"| `{found.name}` | {code} | {' '.join(_text(found).split())} |\n"
    yield "\n"
    yield from _class("Problem", base.module["Problem"])


def _answers(package: griffe.Module) -> list[griffe.Class]:
    """Return the classes that the methods of `Project` take and return, in the order in which they come up."""
    classes: dict[str, griffe.Class] = {}
    project = _target(package["Project"])
    assert isinstance(project, griffe.Class)
    for _, method in _public(project):
        if isinstance(method, griffe.Function):
            for path in _names([method.returns, *(parameter.annotation for parameter in method.parameters)]):
                found = _target(package[path.removeprefix("assetctl.")]) if path.startswith("assetctl.") else None
                if isinstance(found, griffe.Class) and found.name not in {"Project", "AssetKey"}:
                    classes.setdefault(path, found)
    return list(classes.values())


def _names(hints: Iterable[griffe.Expr | str | None]) -> Iterator[str]:
    for hint in hints:
        if isinstance(hint, griffe.Expr):
            yield from (part.canonical_path for part in hint.iterate(flat=True) if isinstance(part, griffe.ExprName))
