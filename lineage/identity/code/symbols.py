"""The symbol graph: what code reaches, as nodes that are filled in when first visited.

A node stands for one live object and keeps it alive, so that its id stays its own. It
never holds a module name, line or path in what is digested; those serve people only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from assetctl.lineage.facts.kinds import SymbolKind
from assetctl.lineage.identity.code.syntax import Reading
from assetctl.lineage.identity.encode import Framed

FORMAT = "fp/1"


@dataclass(frozen=True, slots=True)
class Root:
    """The asset's own function: its name and the defaults of its config parameters do not count."""

    config: frozenset[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """What people call a captured value from where it is read, and where it is defined."""

    name: str = ""
    where: str = ""


NOWHERE = Shown()


@dataclass(frozen=True, slots=True)
class Visit:
    """A node as one asset reaches it: its name and place there, and the symbol that reached it first."""

    node: Node
    shown: Shown
    via: str

    @property
    def name(self) -> str:
        return self.shown.name if self.node.kind is SymbolKind.VALUE else self.node.name

    @property
    def where(self) -> str:
        return self.shown.where if self.node.kind is SymbolKind.VALUE else self.node.where


@dataclass(slots=True)
class Findings:
    """What one node contributes besides its digest."""

    distributions: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str | None] = field(default_factory=dict)
    dynamic: list[str] = field(default_factory=list)
    undecidable: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)  # the first-party ones that its own code is in or imports
    reading: Reading = Reading.NOTHING


@dataclass(slots=True, eq=False)
class Node:
    """One reached object. `kind` is None for what is no symbol, and only connects symbols.

    `body` gives the bytes of the node itself, without what it points to. With
    `is_orderless`, the order of edges is chance and does not count.
    """

    subject: object
    name: str
    where: str
    root: Root | None = None
    kind: SymbolKind | None = None
    body: Callable[[Reading], bytes] = field(default=lambda reading: b"")
    source: Callable[[], str] = field(default=lambda: "")
    edges: list[Edge] = field(default_factory=list)
    is_orderless: bool = False
    has_conditions: bool = False
    is_expanded: bool = False
    findings: Findings = field(default_factory=Findings)
    digests: dict[Reading, bytes] = field(default_factory=dict)

    def link(self, label: str, target: Node | None, shown: Shown = NOWHERE, *, only: Reading = Reading.NOTHING) -> None:
        """Add an edge; with `only`, it counts only where one of these is read."""
        if target is not None:
            self.edges.append(Edge(label, target, shown, only))
            self.has_conditions = self.has_conditions or only is not Reading.NOTHING

    def write(self, build: Callable[[Framed], object]) -> None:
        """Set a body that does not depend on what is read."""
        out = Framed(FORMAT)
        build(out)
        digest = out.raw_digest()
        self.body = lambda reading: digest

    def outgoing(self, reading: Reading) -> Sequence[Edge]:
        """Return the edges that count when `reading` is read."""
        if not self.has_conditions:
            return self.edges
        return [edge for edge in self.edges if edge.only is Reading.NOTHING or edge.only & reading]


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """From a node to what it reads: `label` is part of identity, `shown` is for people."""

    label: str
    target: Node
    shown: Shown
    only: Reading


class Graph:
    """Nodes by the identity of their object. `expand` fills a node in when it is first visited."""

    def __init__(self, expand: Callable[[Node], None]) -> None:
        self._expand = expand
        self._nodes: dict[tuple[int, Root | None], Node] = {}
        self._kept: list[object] = []

    def node(self, subject: object, name: str, where: str, root: Root | None = None) -> Node:
        """Return the node of an object."""
        key = (id(subject), root)
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = Node(subject, name, where, root)
        return node

    def adopt(self, subject: object) -> None:
        """Keep an object alive that was made while identifying."""
        self._kept.append(subject)

    def closure(self, start: Collection[Node]) -> tuple[list[Visit], Reading]:
        """Return every reached node as it is reached first, breadth first.

        Also returns which texts the reached code reads as values; the closure holds what
        that reading adds.
        """
        reading = Reading.NOTHING
        while True:
            order = self._walk(start, reading)
            wanted = reading
            for visit in order:
                own_reading = visit.node.findings.reading
                if own_reading is not Reading.NOTHING:  # mostly; flags are slow to join
                    wanted |= own_reading
            if wanted == reading:
                return order, reading
            reading = wanted

    def _walk(self, start: Collection[Node], reading: Reading) -> list[Visit]:
        order = [Visit(node, Shown(node.name, node.where), "") for node in start]
        seen = {id(node) for node in start}
        position = 0
        while position < len(order):
            visit = order[position]
            node = visit.node
            position += 1
            if not node.is_expanded:
                node.is_expanded = True
                self._expand(node)
            for edge in node.outgoing(reading):
                if id(edge.target) not in seen:
                    seen.add(id(edge.target))
                    shown = edge.shown if edge.shown.name else Shown(edge.target.name, edge.target.where)
                    order.append(Visit(edge.target, shown, visit.via if node.kind is None else visit.name))
        return order
