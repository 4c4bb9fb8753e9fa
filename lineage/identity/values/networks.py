"""Identity of networkx's graphs: class, attributes, nodes and neighbours in their order, and what edges carry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import networkx as nx

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.walk import Child, Encoder, Walk, is_of, type_name


def _write_graph(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    if not is_of(type(value), "networkx"):
        walk.refuse(value)
    out.tag("networkx").text(type_name(type(value)))
    yield out, value.graph, ".graph"
    yield out, list(value.nodes(data=True)), ".nodes"
    for node, neighbours in value.adjacency():
        yield out, node, ".adjacency()"
        yield out, list(neighbours.items()), ".adjacency()"


def encoders() -> dict[type, Encoder]:
    """Return how networkx's classes are written."""
    return {nx.Graph: Encoder(_write_graph, is_compound=True, whole=True, after_code=True)}
