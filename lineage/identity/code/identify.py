"""Identify the code of an asset: one digest over everything first-party that its function can reach.

Format `fp/1`. How it is made:

1. `scopes` finds, in the syntax of a function, the names it takes from outside;
   `lookup` follows them through live objects, as they are after import; `links` makes
   them edges of one symbol graph (`symbols`) shared by all assets of a project.
2. `functions`, `classes` `captured` and `instances` fill in the nodes: canonical syntax (`syntax`),
   code objects where there is no syntax that provably belongs to the live function
   (`sources`, `bytecode`), attributes, defaults, closures, and values by value identity.
3. `effects` (with `touches`) finds the statements that modules run for their effect on what is not their own, and
   `modules` makes them symbols of all code that is reached through these modules.
4. `condense` digests the graph, cycles included. The code version is the root's digest.

Left out on purpose: module names, paths and lines (a moved helper is the same helper),
the asset function's own name, defaults of config parameters, docstrings and annotations
that nothing reached reads, code of the standard library and of distributions (their
versions are the environment slice), and assetctl itself.
"""

from __future__ import annotations

import os
import types
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from assetctl.assets.compute import Compute
from assetctl.assets.definition import AssetDef, CheckDef
from assetctl.lineage.facts.kinds import SymbolKind
from assetctl.lineage.facts.ports import CodeWorld
from assetctl.lineage.facts.records import CodeIdentity, CodeVersion, Digest, Symbol
from assetctl.lineage.identity.code.captured import expand_value
from assetctl.lineage.identity.code.classes import expand_class
from assetctl.lineage.identity.code.condense import digest_alone, digest_node
from assetctl.lineage.identity.code.declared import declared_symbols
from assetctl.lineage.identity.code.functions import expand_function
from assetctl.lineage.identity.code.links import Reach, subject_of
from assetctl.lineage.identity.code.modules import Modules, ModuleStatements, expand_statements
from assetctl.lineage.identity.code.origins import is_a
from assetctl.lineage.identity.code.symbols import FORMAT, Graph, Node, Root, Visit
from assetctl.lineage.identity.code.syntax import Reading
from assetctl.lineage.identity.encode import Framed

__all__ = ["FORMAT", "CodeIdentifier", "file_patterns"]


FILE_PATTERNS = (str, os.PathLike)
"""What names files in `code_deps`; everything else there is an object that counts itself."""


def file_patterns(code_deps: Sequence[object]) -> list[str]:
    """Return the files, folders and globs that `code_deps` name."""
    return [os.fsdecode(dep) for dep in code_deps if isinstance(dep, FILE_PATTERNS)]


class CodeIdentifier:
    """Identifies functions; work on what several assets share is done once.

    It sees objects as they are when it first reaches them: make a new one after code or
    captured values may have changed.
    """

    def __init__(self, world: CodeWorld) -> None:
        self._world = world
        self._graph = Graph(self._expand)
        self._reach = Reach(world, self._graph)
        self._modules = Modules(self._reach)

    def identify(
        self,
        code: Compute | Callable[..., object],
        *,
        config: Collection[str] = (),
        code_deps: Sequence[object] = (),
        version: str | None = None,
        name: str = "",
    ) -> CodeIdentity:
        """Return the identity of the code of a way of computing, a declaration, a function or a class.

        `config` names parameters whose defaults are config and do not count. `code_deps`
        adds objects, or project-relative files, folders and globs, to what counts. With `version`,
        the code version is made of that text alone. `name` is what people call the asset.
        """
        target = subject_of(code) if isinstance(code, Compute) else code
        if type(target) is AssetDef or type(target) is CheckDef:
            target = subject_of(target.compute)
        root = self._graph.node(target, name, "", Root(frozenset(config)))
        extra = [
            self._reach.target(dep, f"code_deps[{i}]", "")
            for i, dep in enumerate(code_deps)
            if not isinstance(dep, FILE_PATTERNS)
        ]
        start = [root, *(node for node in extra if node is not None)]
        statements, order, reading = self._closure(start)
        out = Framed(FORMAT)
        if version is not None:
            out.tag("pinned").text(version)
        else:
            out.tag("code").integer(int(reading)).length(len(start))
            for node in start:
                out.raw(digest_node(node, reading))
            if statements:
                out.tag("statements").length(len(statements))
                for node in statements:
                    out.raw(digest_node(node, reading))
            self._write_files(out, file_patterns(code_deps))
        identity = _identity(CodeVersion(out.hexdigest()), order, reading)
        declared = declared_symbols(self._world, identity.symbols, file_patterns(code_deps), version)
        return replace(identity, symbols=(*identity.symbols, *declared)) if declared else identity

    def reached(
        self, code: Compute | Callable[..., object], *, config: Collection[str] = (), code_deps: Sequence[object] = ()
    ) -> list[tuple[str, SymbolKind | None, object]]:
        """Return every live object that code which was identified reaches: its name, its kind, and itself."""
        target = subject_of(code) if isinstance(code, Compute) else code
        root = self._graph.node(target, "", "", Root(frozenset(config)))
        extra = [self._reach.target(dep, "", "") for dep in code_deps if type(dep) is not str]
        order, _ = self._graph.closure([root, *(node for node in extra if node is not None)])
        return [(visit.name, visit.node.kind, visit.node.subject) for visit in order]

    def keep(self) -> None:
        """Hand what was learned from texts to the world, so that the next identifier need not parse them."""
        self._reach.sources.keep()

    def _closure(self, start: list[Node]) -> tuple[list[Node], list[Visit], Reading]:
        """Return everything reached, with the statements that the modules of reached code run for their effect."""
        statements: list[Node] = []
        while True:
            order, reading = self._graph.closure([*start, *statements])
            names = dict.fromkeys(name for visit in order for name in visit.node.findings.modules)
            found = self._modules.reached_through(names)
            if found == statements:
                return statements, order, reading
            statements = found

    def _write_files(self, out: Framed, patterns: Sequence[str]) -> None:
        for pattern in patterns:
            files = self._world.files(pattern)
            out.tag("files").length(len(files))
            for file in files:
                digest = self._world.file_digest(file)
                out.text(file)
                out.none() if digest is None else out.text(digest)

    def _expand(self, node: Node) -> None:
        subject = node.subject
        if type(subject) is ModuleStatements:
            expand_statements(self._reach, node)
        elif type(subject) is types.FunctionType:
            expand_function(self._reach, node)
        elif is_a(subject, type):
            expand_class(self._reach, node)
        else:
            expand_value(self._reach, node)


def _identity(version: CodeVersion, order: list[Visit], reading: Reading) -> CodeIdentity:
    """Put together what the reached nodes found."""
    distributions: dict[str, str] = {}
    variables: dict[str, str | None] = {}
    dynamic: set[str] = set()
    undecidable: set[str] = set()
    symbols: dict[tuple[str, str], Symbol] = {}
    for visit in order:
        node = visit.node
        distributions.update(node.findings.distributions)
        variables.update(node.findings.variables)
        dynamic.update(node.findings.dynamic)
        undecidable.update(node.findings.undecidable)
        if node.kind is not None:
            symbol = _symbol(visit, node.kind, reading)
            symbols.setdefault((symbol.name, symbol.digest), symbol)
    return CodeIdentity(
        version,
        tuple(symbols.values()),
        dict(sorted(distributions.items())),
        dict(sorted(variables.items())),
        tuple(sorted(dynamic)),
        tuple(sorted(undecidable)),
    )


def _symbol(visit: Visit, kind: SymbolKind, reading: Reading) -> Symbol:
    node = visit.node
    targets = [f"{edge.label}={edge.target.name}" for edge in node.outgoing(reading)]
    if node.is_orderless:
        targets.sort()
    return Symbol(visit.name, kind, Digest(digest_alone(node, reading, targets)), visit.where, visit.via, node.source())
