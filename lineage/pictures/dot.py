"""Write a lineage picture as Graphviz DOT text.

Only text is made here; `engine.draw` runs the program that lays it out. Sorted
throughout: the same picture gives the same text. What people wrote (groups, reasons) is
escaped, so no label can open a tag.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence
from typing import Any

from assetctl.lineage.pictures.nodes import LOOKS, Edge, Node

_FONT = "Arial"  # by one name: a list would be measured as Times, which is narrower
_TEXT, _MUTED = "#1d2329", "#4a525b"
_NAME_INCHES, _LINE_INCHES = 0.105, 0.073  # of a character in a name (bold, 13 points) and in a line (10 points)
_MARGIN_INCHES = 0.32
_MANY_NODES = 500  # from here on the layout takes seconds: straight edges and fewer rounds cut that to a third
_HASTY = {"splines": "line", "nslimit": "1", "mclimit": "0.1"}


def to_dot(nodes: Sequence[Node], edges: Sequence[Edge]) -> str:
    """Return the picture as a DOT graph: groups as clusters, a legend of the states that occur."""
    from graphviz import Digraph  # its import pulls in subprocess and logging

    graph = Digraph("lineage", graph_attr=_graph_look(nodes), node_attr=_NODE_LOOK, edge_attr=_EDGE_LOOK)
    for number, group in enumerate(sorted({n.group or "" for n in nodes})):
        members = sorted((n for n in nodes if (n.group or "") == group), key=lambda n: n.key)
        if not group:
            _add(graph, members)
            continue
        with graph.subgraph(name=f"cluster_{number}") as cluster:
            cluster.attr(label=f"<<B>{_escape(group)}</B>>", **_CLUSTER_LOOK)
            _add(cluster, members)
    dashed = {n.key for n in nodes if n.kind == "undeclared"}
    for upstream, downstream in sorted(edges):
        graph.edge(_name(upstream), _name(downstream), **({"style": "dashed"} if upstream in dashed else {}))
    return str(graph.source)


def _name(key: str) -> str:
    """Return the name of a node: its key, in which a colon would begin the name of a port."""
    return key.replace(":", "∶")


_NODE_LOOK = {
    "shape": "box",
    "style": "rounded,filled",
    "fontname": _FONT,
    "fontsize": "13",
    "fontcolor": _TEXT,
    "margin": "0.16,0.08",
}
_EDGE_LOOK = {"color": "#7d8791", "arrowsize": "0.7"}
_CLUSTER_LOOK = {
    "labeljust": "l",
    "labelloc": "t",
    "style": "rounded,filled",
    "fillcolor": "#f6f7f9",
    "color": "#d3d8de",
    "fontname": _FONT,
    "fontsize": "12",
    "fontcolor": _MUTED,
    "margin": "14",
}


def _graph_look(nodes: Sequence[Node]) -> dict[str, str]:
    look = {
        "rankdir": "LR",
        "fontname": _FONT,
        "fontsize": "11",
        "fontcolor": _MUTED,
        "ranksep": "0.5",
        "nodesep": "0.25",
        "bgcolor": "white",
    }
    look |= _HASTY if len(nodes) > _MANY_NODES else {}
    legend = _legend(nodes)
    return {**look, "label": legend, "labelloc": "b", "labeljust": "l"} if legend else look


def _legend(nodes: Sequence[Node]) -> str:
    occurring = {n.state for n in nodes}
    cells = [
        f'<TD BGCOLOR="{look.fill}" COLOR="{look.border}" BORDER="1"> {look.symbol} {_escape(look.word)} </TD>'
        for state, look in LOOKS.items()
        if state in occurring and look.word
    ]
    if any(n.is_changed for n in nodes):
        cells.append(f'<TD BORDER="3" COLOR="{_TEXT}"> changed here </TD>')
    if not cells:
        return ""
    return f'<<TABLE BORDER="0" CELLSPACING="6" CELLPADDING="3"><TR>{"".join(cells)}</TR></TABLE>>'


def _add(graph: Any, nodes: Sequence[Node]) -> None:
    for node in nodes:
        look = LOOKS[node.state]
        attributes = {
            "id": f"{'undeclared' if node.kind == 'undeclared' else 'asset'}-{_escape(node.key)}",
            "class": f"{node.kind} {node.state}" + (" changed" if node.is_changed else ""),
            "tooltip": _escape(f"{node.key}: {'; '.join(node.lines)}"),
            "fillcolor": look.fill,
            "color": look.border,
            "penwidth": "3" if node.is_changed else "1.2",
        }
        if node.state == "missing":
            attributes["style"] = "rounded,filled,dashed"
        if node.kind == "source":
            attributes["style"] = "filled"
        if node.kind == "undeclared":
            attributes |= {"style": "filled,dashed", "shape": "note"}
        width = _width(node)
        if width is not None:
            attributes["width"] = width
        graph.node(_name(node.key), label=_label(node), **attributes)


def _label(node: Node) -> str:
    name = f"<B>{_escape(node.key)}</B>"
    lines = [f'<FONT POINT-SIZE="10" COLOR="{_MUTED}">{_escape(line)}</FONT>' for line in node.lines]
    return f"<{'<BR/>'.join([name, *lines])}>"


def _width(node: Node) -> str | None:
    """Return a least width for labels that layout programs mismeasure: they take unknown glyphs for spaces."""
    wide = [line for line in node.lines if not line[2:].isascii()]
    if not wide:
        return None
    cells = max(sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) for line in wide)
    return f"{max(cells * _LINE_INCHES, len(node.key) * _NAME_INCHES) + _MARGIN_INCHES:.2f}"


def _escape(text: str) -> str:
    # Control characters are no XML, escaped or not.
    return html.escape("".join(c if c.isprintable() else "�" for c in text), quote=True)
