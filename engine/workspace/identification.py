"""Identify the steps of a graph: code, definition and checks of each, computed once per graph."""

from __future__ import annotations

import codecs
import importlib
import locale
import os
import platform
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import CodeType
from typing import Any

from assetctl.assets.codec import Codec, full_name, home_of
from assetctl.assets.definition import AssetOptions
from assetctl.assets.errors import DeclarationError
from assetctl.assets.ids import AssetKey
from assetctl.assets.importing import is_personal
from assetctl.engine.isolation.captured import CapturedState
from assetctl.engine.watching.touched import ALL_VARIABLES, OF_TERMINALS, AtImport
from assetctl.engine.watching.watching import opening
from assetctl.engine.workspace.code_world import ProjectWorld
from assetctl.engine.workspace.left import LeftByStep, captured_by, changed_names, config_names, subjects_of
from assetctl.engine.workspace.settings import Settings
from assetctl.engine.workspace.text_cache import TextCache
from assetctl.lineage.deciding.decide import Identified
from assetctl.lineage.facts.kinds import SymbolKind, UndeclaredKind
from assetctl.lineage.facts.ports import OriginKind, Stored
from assetctl.lineage.facts.records import CodeIdentity, Digest, Symbol, Undeclared
from assetctl.lineage.graph.asset_graph import AssetGraph, Check, Step
from assetctl.lineage.identity.code.identify import CodeIdentifier, file_patterns
from assetctl.lineage.identity.define import define, define_check
from assetctl.lineage.identity.encode import Framed, digest_mapping
from assetctl.lineage.identity.environment import Surrounding, environment_slice
from assetctl.storage.blobs.file_digests import FileDigests
from assetctl.storage.state.layout import Layout

# Environment values are kept only as hashes under this key. It is the same everywhere,
# so that two machines with the same values agree on what is fresh.
_VARIABLE_KEY = b"assetctl environment variables/1"

_NO_FUNCTIONS = (SymbolKind.VALUE, SymbolKind.STATEMENTS)


class Identification:
    """Answers for the steps of one graph; forget it when the code is imported anew."""

    def __init__(self, settings: Settings, left: LeftByStep | None = None) -> None:
        self._left = left if left is not None else LeftByStep()
        self._root = root = settings.root
        self._settings = settings
        self._cache = TextCache(Layout.of(root).cache)
        self._world = ProjectWorld(root, _VARIABLE_KEY, self._cache, FileDigests(Layout.of(root).cache))
        self._identifier = CodeIdentifier(self._world)
        self._surrounding = Surrounding(
            python=platform.python_version(),
            platform=f"{sys.platform}-{platform.machine()}",
            variables={name: self._world.variable(name) for name in settings.environment.variables},
            modes=unusual_modes(),
        )
        self._code: dict[AssetKey, CodeIdentity] = {}
        self.looked_at_import = AtImport()
        self._identified: dict[AssetKey, tuple[Step, Identified]] = {}
        self._classes: dict[str, Digest] = {}
        self._checks: dict[tuple[AssetKey, str], Digest] = {}
        self._spoiled: list[object] = []  # caches that held something after import, and were emptied since

    def identify(self, step: Step, graph: AssetGraph) -> Identified:
        """Return code, definition and check definitions of a step."""
        known = self._identified.get(step.key)
        if known is not None and known[0] is step:  # `--set` makes another step of it
            return known[1]
        if step.key not in self._code:
            now = self._identify_code(step, self._identifier)
            self._code[step.key] = self._left.as_after_import(
                step.key, now, lambda: captured_by(step, self._identifier)
            )
        code = self._code[step.key]
        if self._settings.dynamic == "always" and code.dynamic:
            code = replace(code, undecidable=(*code.undecidable, *code.dynamic))
        definition = self._world.environment.definition(step, define(step, code, self._environment(code)))
        identified = Identified(code, definition, self._check_definitions(step, graph))
        self._identified[step.key] = step, identified
        return identified

    def is_current(self) -> bool:
        """Say whether the variables and files that it looked at are as they were; modules are for others to compare."""
        return self._world.is_current()

    def identify_all(self, graph: AssetGraph, keys: Collection[AssetKey]) -> dict[AssetKey, Identified]:
        """Return what is identified for the steps of these assets, by step key.

        Raises:
            DeclarationError: with everything that `code_deps` name and that is not there.
        """
        steps = {graph.steps[key].key: graph.steps[key] for key in keys if key in graph.steps}
        with opening() as opened:  # it executes the first-party imports inside of functions
            self.refuse_unmatched(steps.values())
            identified = {key: self.identify(step, graph) for key, step in steps.items()}
        self.looked_at_import |= opened
        self._identifier.keep()
        return identified

    def refuse_unmatched(self, steps: Iterable[Step]) -> None:
        """Refuse steps whose `code_deps` name what is not there.

        Raises:
            DeclarationError: with everything that they name in vain.
        """
        files = self._world.code_files
        problems = [
            files.problem_of(pattern, step.name, step.where)
            for step in steps
            for pattern in file_patterns(step.declaration.options.code_deps)
            if not files.matching(pattern)
        ]
        if problems:
            raise DeclarationError(*problems)

    def is_declared_file(self, step: Step, path: str) -> bool:
        """Say whether a file counts as it is now, because the step's `code_deps` name it."""
        options, files = step.declaration.options, self._world.code_files
        if options.version is not None or not options.code_deps:
            return False
        for pattern in file_patterns(options.code_deps):
            name = path if os.path.isabs(pattern) else self._world.relative(path)
            if name in files.matching_set(pattern):
                return files.digest(name) == files.digest_now(path)
        return False

    def class_code(self, name: str) -> Digest:
        """Return the digest of a class's code as it is now; `name` is "module:qualname", or "module:" for all of it.

        A class that is gone has a digest of its own: what was made with it is not what would be made now.
        """
        if name not in self._classes:
            subject = _find(name)
            self._classes[name] = (
                Digest("gone") if subject is None else Digest(self._identifier.identify(subject).version)
            )
        return self._classes[name]

    def codec_code(self, own: Iterable[type[Codec]], home: str) -> Digest:
        """Return the digest of a declared codec's code and its environment slice as they are now.

        One that is not declared any more has a digest of its own: it would not be used now.
        """
        declared = next((codec for codec in own if home_of(codec) == home), None)
        if declared is None:
            return Digest("gone")
        code = self._identifier.identify(declared)
        return (
            Framed("codec/1").child(code.version).child(digest_mapping("codec/1", self._environment(code))).hexdigest()
        )

    def used_codecs(self, own: Sequence[type[Codec]], outputs: Iterable[Stored]) -> list[Undeclared]:
        """Return the project's own codecs that keep these outputs: whatever changes them counts from then on."""
        homes = {full_name(codec): home_of(codec) for codec in own}
        used = sorted({homes[stored.codec] for stored in outputs if stored.codec in homes})
        return [Undeclared(UndeclaredKind.CODEC, home, self.codec_code(own, home)) for home in used]

    def undeclared_symbols(self, step: Step, executed: Collection[CodeType], graph: AssetGraph) -> list[Undeclared]:
        """Return the first-party functions that ran and that no symbol of the step's code accounts for."""
        known = _spans([*self.identify(step, graph).code.symbols, *self._check_symbols(step, graph)])
        undeclared: dict[str, Undeclared] = {}
        for code in executed:
            place = self._world.relative(code.co_filename)
            if any(first <= code.co_firstlineno <= last for first, last in known.get(place, ())):
                continue
            name = _name_of(code)
            if name is not None and _find(name) is not None:
                undeclared[name] = Undeclared(UndeclaredKind.SYMBOL, name, self.class_code(name))
        return [undeclared[name] for name in sorted(undeclared)]

    def undeclared_modules(self, step: Step, imported: Collection[str], graph: AssetGraph) -> list[Undeclared]:
        """Return the first-party modules that were loaded while it ran and that its code does not reach."""
        reached = [s.name for s in (*self.identify(step, graph).code.symbols, *self._check_symbols(step, graph))]
        undeclared: list[Undeclared] = []
        for name in sorted(imported):
            file = getattr(sys.modules.get(name), "__file__", None)
            is_ours = isinstance(file, str) and is_personal(file) and not file.endswith("__init__.py")
            if is_ours and not any(symbol.startswith(f"{name}.") for symbol in reached):
                undeclared.append(Undeclared(UndeclaredKind.MODULE, f"{name}:", self.class_code(f"{name}:")))
        return undeclared

    def _check_symbols(self, step: Step, graph: AssetGraph) -> list[Symbol]:
        checks = [check for key in step.outputs for check in graph.checks.get(key, ())]
        return [s for c in checks for s in self._identifier.identify(c.declaration.compute, name=c.name).symbols]

    def variable(self, name: str, environment: Mapping[str, str] | None = None) -> str | None:
        """Return a keyed hash of a variable's value now, or in an environment of earlier; None if it is unset.

        "APP_*" stands for all that begin so in any case, "*" for all but those that differ between two terminals.
        """
        values = os.environ if environment is None else environment
        if not name.endswith("*"):
            return self._world.hashed(name, values.get(name))
        if name == ALL_VARIABLES:
            kept = {n: v for n, v in values.items() if n not in OF_TERMINALS and not n.startswith("ASSETCTL_")}
        else:
            kept = {n: v for n, v in values.items() if n.upper().startswith(name[:-1].upper())}
        return digest_mapping("seen/1", {n: self._world.hashed(n, value) for n, value in kept.items()})

    def declared_variables(self, step: Step, graph: AssetGraph) -> set[str]:
        """Return the names of the variables that count for a step, or for its checks, anyway."""
        names = {*self.identify(step, graph).code.variables, *self._settings.environment.variables}
        checks = [check for key in step.outputs for check in graph.checks.get(key, ())]
        for check in checks:
            names |= self._identifier.identify(check.declaration.compute, name=check.name).variables.keys()
        return names

    def changes(self, step: Step) -> tuple[str, ...]:
        """Return what of a step's code, and of the values it captures, is not as it was identified: names and places."""
        again = self._identify_code(step, self._anew())
        before = self._code[step.key]
        return () if again.version == before.version else changed_names(before, again)

    def captured(self, step: Step) -> CapturedState:
        """Return what a step's code captures, as it is now, to be put back."""
        return CapturedState(subjects_of(step, self._identifier), self._is_own)

    def spoil_caches(self, caches: Iterable[object]) -> None:
        """Note caches of functions that are not as they were after import, and cannot be made so."""
        self._spoiled.extend(caches)

    def is_hidden_state_kept(self, step: Step) -> bool:
        """Say whether what a step reaches is as it was after import where identity does not show it.

        Of a value that has no identity, nothing tells.
        """
        if self._code[step.key].undecidable:
            return False
        spoiled = set(map(id, self._spoiled))
        return not spoiled or spoiled.isdisjoint(map(id, subjects_of(step, self._identifier)))

    def remember_changes(self, graph: AssetGraph) -> None:
        """Remember, for every step, that what its code is now stands for what was identified.

        Called right after a step changed captured values, before anybody else could.
        """
        identifier = self._anew()
        for key, before in self._code.items():
            if key in graph.steps:
                step = graph.steps[key]
                self._left.remember(key, before, self._identify_code(step, identifier), captured_by(step, identifier))

    def _is_own(self, code: object) -> bool:
        name = getattr(code, "__module__", None) or ""
        file = getattr(sys.modules.get(name), "__file__", None)
        return self._world.origin(name, file).kind is OriginKind.PROJECT

    def _anew(self) -> CodeIdentifier:
        return CodeIdentifier(ProjectWorld(self._root, _VARIABLE_KEY, self._cache))

    def _environment(self, code: CodeIdentity) -> dict[str, str]:
        return environment_slice(code, self._settings.environment, self._surrounding)

    def _identify_code(self, step: Step, identifier: CodeIdentifier) -> CodeIdentity:
        options: AssetOptions = step.declaration.options
        return identifier.identify(
            step.declaration.compute,
            config=config_names(step),
            code_deps=options.code_deps,
            version=options.version,
            name=step.name,
        )

    def _check_definitions(self, step: Step, graph: AssetGraph) -> dict[AssetKey, Mapping[str, Digest]]:
        definitions: dict[AssetKey, Mapping[str, Digest]] = {}
        for key in step.outputs:
            checks = graph.checks.get(key, ())
            if checks:
                definitions[key] = {check.name: self._check_definition(check) for check in checks}
        return definitions

    def _check_definition(self, check: Check) -> Digest:
        place = (check.asset, check.name)
        if place not in self._checks:
            code = self._identifier.identify(check.declaration.compute, name=check.name)
            self._checks[place] = define_check(check, code, self._environment(code))
        return self._checks[place]


def unusual_modes() -> dict[str, str]:
    """Return the ways in which this interpreter runs code that are not the usual ones.

    Without assertions (`-O`), `assert` and `__debug__` do something else; the encoding of texts is that of every
    file that is opened without naming one.
    """
    modes: dict[str, str] = {}
    if sys.flags.optimize:
        modes["python -O"] = str(sys.flags.optimize)
    encoding = "utf-8" if sys.flags.utf8_mode else codecs.lookup(locale.getencoding()).name
    if encoding not in ("utf-8", "ascii"):  # "ascii" is the C locale's, which Python reads as UTF-8
        modes["text encoding"] = encoding
    return modes


def _spans(symbols: Collection[Symbol]) -> dict[str, list[tuple[int, int]]]:
    """Return the first and last lines of symbols that have a text, by file."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for symbol in symbols:
        place, _, line = symbol.where.rpartition(":")
        if symbol.kind not in _NO_FUNCTIONS and line.isdigit():
            first = int(line)
            spans.setdefault(place, []).append((first, first + symbol.source.count("\n") + 1))
    return spans


def _name_of(code: CodeType) -> str | None:
    """Return "module:qualname" of the module-level function or method that a code object belongs to."""
    qualname = code.co_qualname.partition(".<locals>")[0]
    if "<" in qualname:
        return None
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) == code.co_filename:
            return f"{name}:{qualname}"
    return None


def _find(name: str) -> Callable[..., Any] | None:
    module, _, qualname = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        if not qualname:
            return lambda: found  # reaches all of the module; the variable's name is part of recorded digests
        for part in qualname.split("."):
            found = getattr(found, part)
    except Exception:  # noqa: BLE001  importing a person's module may raise anything: the class is not there
        return None
    return found if callable(found) else None
