"""What a project declares now: collected on first use, and again when a file changed since.

In a notebook the cells' own namespace is part of the project, as it is at each call, and
a cell that is run again replaces what it declared.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType, ModuleType

from assetctl.assets.codec import Codec
from assetctl.assets.collect import Declared, collect, find_codecs, find_declarations
from assetctl.assets.errors import DeclarationError, Problem
from assetctl.assets.ids import AssetKey
from assetctl.assets.importing import activate, forget_modules, held_modules, is_personal
from assetctl.engine.isolation.forked import forks_end_here
from assetctl.engine.isolation.under_way import under_way
from assetctl.engine.watching.touched import AtImport
from assetctl.engine.watching.watching import opening
from assetctl.engine.workspace.identification import Identification
from assetctl.engine.workspace.left import LeftByStep
from assetctl.engine.workspace.settings import Settings
from assetctl.lineage.graph.asset_graph import AssetGraph, build_graph, with_former_names
from assetctl.lineage.graph.configure import configure

_NO_NAMES: Mapping[AssetKey, tuple[AssetKey, ...]] = MappingProxyType({})
_OF_IPYTHON = re.compile(r"_+|_(?:i{0,3}|\d+|i\d+|[doi]h)|In|Out|exit|quit|get_ipython|display")
_Stamp = dict[str, tuple[int, int, int]]


class Declarations:
    """The declarations of one project in this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.looked_at_import = AtImport()
        self._declarations: list[Declared] | None = None
        self._codecs: list[type[Codec]] = []
        self._stamp: _Stamp = {}
        self._graph: AssetGraph | None = None
        self._identification: Identification | None = None
        self._left = LeftByStep()
        self.is_used = False  # steps were performed in this process, so that objects may have changed since the import

    def graph(self) -> AssetGraph:
        """Return the graph of what is declared now.

        Raises:
            DeclarationError: with every problem of every file and declaration.
        """
        activate(self._settings.root)
        cells = notebook_namespace()
        changed = self._declarations is not None and _stamp(self._settings) != self._stamp
        if self._graph is not None and not changed and cells is None:
            if self._identification is not None and not self._identification.is_current():
                self._identification = None
            return self._graph
        if self._declarations is None or changed:
            self._collect()
        declarations = list(self._declarations or ())
        if cells is not None:
            declarations = self._with_cells(declarations, cells)
        self._graph = build_graph(declarations)
        _refuse_unknown_codecs(self._graph, self.codecs())
        self._identification = None
        return self._graph

    @property
    def is_collected(self) -> bool:
        """Say whether the project's code was imported."""
        return self._graph is not None

    def codecs(self) -> list[type[Codec]]:
        """Return the codecs that the project's modules, and a notebook's cells, have as attributes."""
        if self._declarations is None:
            activate(self._settings.root)
            self._collect()
        cells = notebook_namespace()
        return self._codecs if cells is None else list(dict.fromkeys([*find_codecs([cells]), *self._codecs]))

    def current(
        self, assignments: tuple[str, ...] = (), names: Mapping[AssetKey, tuple[AssetKey, ...]] = _NO_NAMES
    ) -> AssetGraph:
        """Return the graph as last collected, configured and with recorded names; nothing is looked at again."""
        activate(self._settings.root)
        if self._graph is None:
            self.graph()
        assert self._graph is not None
        return with_former_names(configure(self._graph, assignments), names)

    def identification(self) -> Identification:
        """Return what identifies the steps of the graph last returned."""
        if self._identification is None:
            self._identification = Identification(self._settings, self._left)
        return self._identification

    def _collect(self) -> None:
        self._declarations, self._graph = None, None
        dropped = forget_modules(self._settings.root)
        with opening() as opened, under_way("the project's files were imported"), forks_end_here():
            declarations, codecs, problems = collect(self._settings.root, self._settings.assets)
        cells = notebook_namespace()
        if cells is not None:  # what cells hold stays the module that `reload` and `%autoreload` find
            for name in held_modules(cells, dropped):
                sys.modules.setdefault(name, dropped[name])
        self.looked_at_import = AtImport() | opened
        problems += _flaws(codecs)
        if problems:
            raise _with_graph_problems(declarations, problems)
        self._declarations, self._codecs, self._stamp = declarations, codecs, _stamp(self._settings)

    def _with_cells(self, declarations: list[Declared], cells: ModuleType) -> list[Declared]:
        problems: list[Problem] = []
        known = {id(item.declaration) for item in declarations}
        own = find_declarations([(cells, written_names(cells))], self._settings.root, problems)
        if problems:
            raise DeclarationError(*problems)
        return declarations + [item for item in own if id(item.declaration) not in known]


def notebook_namespace() -> ModuleType | None:
    """Return the module that a notebook's cells run in, or None outside a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell.user_module if shell is not None else None


def written_names(cells: ModuleType) -> dict[str, object]:
    """Return the names that a person's cells bound: not those that IPython keeps for itself and for results."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    hidden = getattr(shell, "user_ns_hidden", {})
    return {
        name: value
        for name, value in vars(cells).items()
        if not _OF_IPYTHON.fullmatch(name) and not (name in hidden and hidden[name] is value)
    }


def _flaws(codecs: list[type[Codec]]) -> list[Problem]:
    """Return what is wrong with the project's own codecs."""
    if not codecs:
        return []
    from assetctl.storage.codecs.own import flaws
    from assetctl.storage.codecs.registry import RESERVED

    return list(flaws(codecs, RESERVED))


def _refuse_unknown_codecs(graph: AssetGraph, own: list[type[Codec]]) -> None:
    steps = {graph.steps[key].key: graph.steps[key] for key in graph.steps}
    named = [(step, step.declaration.options.codec) for step in steps.values()]
    if not any(codec for _, codec in named):
        return
    from assetctl.storage.codecs.registry import Codecs

    known, problems = Codecs(lambda: own), []
    for step, codec in named:
        try:
            known.named(codec or "json")
        except DeclarationError as unknown:
            first = unknown.problems[0]
            facts = (("declared in", step.where), *first.facts)
            problems.append(replace(first, message=f"`{step.name}`: {first.message}", facts=facts))
    if problems:
        raise DeclarationError(*problems)


def _with_graph_problems(declarations: list[Declared], problems: list[Problem]) -> DeclarationError:
    """Add what is wrong with the declarations that could be read, so that all is reported at once.

    Where a file could not be imported, an unknown upstream is likely its doing, so those are left out.
    """
    is_file_missing = any(p.code == "import-failed" for p in problems)
    try:
        build_graph(declarations)
    except DeclarationError as error:
        more = [p for p in error.problems if not (is_file_missing and p.code == "unknown-upstream")]
        problems = problems + more
    return DeclarationError(*problems)


def _stamp(settings: Settings) -> _Stamp:
    """Return size, mtime and inode of every file that was imported from the project."""
    prefix = str(settings.root) + os.sep
    stamp: _Stamp = {}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.startswith(prefix) and is_personal(file):
            try:
                status = os.stat(file)  # noqa: PTH116  for every module, at every question
            except OSError:
                continue  # a file that is gone no longer matches its stamp
            stamp[file] = (status.st_size, status.st_mtime_ns, status.st_ino)
    return stamp
