"""Find declarations: import a project's files and look at their module attributes.

The only code that imports user files. It looks at attributes and one level into lists,
tuples and dicts, deduplicates by identity, and decides each key; codecs of the person's
own are attributes too. Every flaw of every file is gathered; nothing is run but the
modules themselves.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from assetctl.assets.codec import Codec
from assetctl.assets.definition import AssetDef, CheckDef, Declaration, SourceDef
from assetctl.assets.errors import AssetctlError, DeclarationError, Problem
from assetctl.assets.ids import AssetKey
from assetctl.assets.importing import activate, install, put_on_path, refuse_shadows
from assetctl.assets.misplaced import declared_twice, on_methods


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration as found; `key` is None for checks and multi-output assets."""

    key: AssetKey | None
    declaration: Declaration
    where: str
    name: str


@dataclass(frozen=True, slots=True)
class _Sighting:
    declaration: Declaration
    module: ModuleType
    attribute: str
    in_container: bool


def collect(root: Path, entries: Sequence[str]) -> tuple[list[Declared], list[type[Codec]], list[Problem]]:
    """Import each entry (file, folder or module name, relative to `root`); return its declarations and codecs."""
    install()
    activate(root)
    problems: list[Problem] = []
    modules: list[ModuleType] = []
    for entry in entries:
        try:
            named = _module_names(root, entry, problems)
        except DeclarationError as error:
            problems += error.problems
            continue
        for name, file in named:
            module = _import(name, file, root, problems)
            if module is not None and module not in modules:
                modules.append(module)
    declarations = find_declarations([(m, vars(m)) for m in modules], root, problems)
    known = {declared.where for declared in declarations}
    for module in modules:
        problems += declared_twice(module, known, lambda where: relative(where, root))
    return declarations, find_codecs(modules), problems


def find_codecs(modules: Iterable[ModuleType]) -> list[type[Codec]]:
    """Return the codecs that are attributes of modules, each once; one without a name is a base of others."""
    values = [value for module in modules for value in list(vars(module).values()) if isinstance(value, type)]
    own = [value for value in values if issubclass(value, Codec) and hasattr(value, "name")]
    return list(dict.fromkeys(own))


def find_declarations(
    namespaces: Iterable[tuple[ModuleType, dict[str, object]]], root: Path, problems: list[Problem]
) -> list[Declared]:
    """Return the declarations held by namespaces, each object once, in order of first sight."""
    sightings: dict[int, list[_Sighting]] = {}
    for module, namespace in namespaces:
        problems += on_methods(module.__name__, namespace, lambda where: relative(where, root))
        for sighting in _sightings(module, namespace):
            sightings.setdefault(id(sighting.declaration), []).append(sighting)
    declarations: list[Declared] = []
    for seen in sightings.values():
        try:
            declarations.append(_describe(seen, root))
        except DeclarationError as error:
            problems.extend(
                replace(p, facts=(("declared in", _where(seen[0].declaration, root)), *p.facts)) for p in error.problems
            )
    return declarations


def _sightings(module: ModuleType, namespace: dict[str, object]) -> Iterator[_Sighting]:
    for attribute, value in list(namespace.items()):
        if isinstance(value, AssetDef | SourceDef | CheckDef):
            yield _Sighting(value, module, attribute, in_container=False)
        elif type(value) in (list, tuple):
            for item in list(value):  # type: ignore[call-overload]
                if isinstance(item, AssetDef | SourceDef | CheckDef):
                    yield _Sighting(item, module, "", in_container=True)
        elif type(value) is dict:
            for name, item in list(value.items()):
                if isinstance(item, AssetDef | SourceDef | CheckDef):
                    yield _Sighting(item, module, name if isinstance(name, str) else "", in_container=True)


def _describe(seen: list[_Sighting], root: Path) -> Declared:
    declaration = seen[0].declaration
    where = _where(declaration, root)
    name = _name(declaration, _homeward(declaration, seen))
    if isinstance(declaration, CheckDef) or (isinstance(declaration, AssetDef) and declaration.options.outs):
        return Declared(None, declaration, where, name)
    given = declaration.options.key if isinstance(declaration, AssetDef) else declaration.key
    key = AssetKey(given) if given is not None else AssetKey.from_name(name)
    return Declared(key, declaration, where, name)


def _homeward(declaration: Declaration, seen: list[_Sighting]) -> list[_Sighting]:
    """Put the sightings in the module that wrote the declaration first: imports elsewhere may rename it."""
    if isinstance(declaration, SourceDef):
        home = [s for s in seen if declaration.where.startswith(f"{getattr(s.module, '__file__', None)}:")]
    else:
        home = [s for s in seen if s.module.__name__ == declaration.compute.module]
    return home + [s for s in seen if s not in home]


def _name(declaration: Declaration, seen: list[_Sighting]) -> str:
    """Return the function's own name if that attribute holds it, else the first attribute, else its own."""
    own = getattr(declaration, "__name__", "") if not isinstance(declaration, SourceDef) else ""
    attributes = [s.attribute for s in seen if not s.in_container]
    if own in attributes:
        return own
    if attributes:
        return attributes[0]
    if own.isidentifier():
        return own
    return next((s.attribute for s in seen if s.attribute), own)


def _where(declaration: Declaration, root: Path) -> str:
    return relative(declaration.where if isinstance(declaration, SourceDef) else declaration.compute.where, root)


def relative(where: str, root: Path) -> str:
    """Return a path relative to the project folder, or unchanged if it lies elsewhere; a notebook cell's as such."""
    if f"{os.sep}ipykernel_" in where:
        return f"notebook cell:{where.rpartition(':')[2]}"
    prefix = str(root) + os.sep
    return where.removeprefix(prefix)


def _module_names(root: Path, entry: str, problems: list[Problem]) -> list[tuple[str, Path | None]]:
    """Return the modules that an entry stands for, by name, with their files where the entry names files."""
    path = root / entry
    if path.is_file():
        return [(_module_name(path, root), path)]
    if path.is_dir():
        environments = {config.parent for config in path.rglob("pyvenv.cfg")}
        files = sorted(p for p in path.rglob("*.py") if not _hidden(p.relative_to(path)))
        own = [p for p in files if environments.isdisjoint(p.parents)]
        return [(_module_name(p, root), p) for p in own]
    if not entry.endswith(".py") and all(part.isidentifier() for part in entry.split(".")):
        return [(entry, None)]
    problems.append(
        Problem(
            "entry-missing",
            f"`assets` names `{entry}`, which does not exist",
            (("looked in", str(root)),),
            "list files, folders or modules under [tool.assetctl] in pyproject.toml",
        )
    )
    return []


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def _module_name(path: Path, root: Path) -> str:
    """Return the name by which the project's own code would import this file.

    The outermost folder with an `__init__.py` is a top-level package; what has none is
    named from the project folder.
    """
    top = path.parent
    while (top / "__init__.py").exists() and top != root:
        top = top.parent
    if top == path.parent or not top.is_relative_to(root):
        top = root if path.is_relative_to(root) else path.parent
    if top != root:
        refuse_shadows(top)
    put_on_path(top)
    if top != root:
        put_on_path(root)
    parts = path.relative_to(top).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _import(name: str, file: Path | None, root: Path, problems: list[Problem]) -> ModuleType | None:
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:  # noqa: BLE001  whatever a module raises is reported
        problems.append(_import_problem(name, error, root))
        return None
    loaded = getattr(module, "__file__", None)
    if file is not None and (loaded is None or not file.samefile(loaded)):
        problems.append(
            Problem(
                "module-name-taken",
                f"`{relative(str(file), root)}` cannot be imported: another module has the name `{name}`",
                (("the other", str(loaded or "built in")),),
                "rename the file",
            )
        )
        return None
    return module


def _import_problem(name: str, error: BaseException, root: Path) -> Problem:
    if isinstance(error, AssetctlError) and error.problems:
        first = error.problems[0]
        return replace(first, facts=(("while importing", name), ("at", _raised_at(error, root)), *first.facts))
    hint = "fix the error, or take the file out of `assets` in pyproject.toml"
    missing = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if missing and missing != name.partition(".")[0]:
        hint = f"install `{missing}`, or add it to the project's path"
    elif missing:
        below = _files_below(name, root)
        hint = f'it is a file below another folder: name that, `assets = ["{below[0]}"]`' if below else hint
    text = str(error).splitlines()[0] if str(error) else ""
    if isinstance(error, SyntaxError):
        at = relative(f"{error.filename}:{error.lineno}", root)
    else:
        at = _raised_at(error, root)
    return Problem(
        "import-failed", f"module `{name}` failed to import: {type(error).__name__}: {text}", (("at", at),), hint
    )


def _files_below(name: str, root: Path) -> list[str]:
    """Return the files by which a module lies in a folder of the project that imports do not look in, as `src/`."""
    inner = name.replace(".", "/")
    found = [path for ending in (".py", "/__init__.py") for path in root.glob(f"*/{inner}{ending}")]
    return sorted(path.relative_to(root).as_posix().removesuffix("__init__.py") for path in found)


def _raised_at(error: BaseException, root: Path) -> str:
    """Return the innermost line of the person's own code in the traceback."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith("<")]
    own = [f for f in frames if f.filename.startswith(str(root) + os.sep)]
    last = (own or frames)[-1] if frames else None
    return relative(f"{last.filename}:{last.lineno}", root) if last else str(sys.argv[0])
