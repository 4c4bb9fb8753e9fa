"""Write a lineage picture as Mermaid text, which code hosts and notebooks draw by themselves.

Node names are numbers in the order of their keys, so no key or label can be taken for syntax.
"""

from __future__ import annotations

from collections.abc import Sequence

from assetctl.lineage.pictures.nodes import LOOKS, Edge, Node


def to_mermaid(nodes: Sequence[Node], edges: Sequence[Edge]) -> str:
    """Return the picture as a Mermaid flowchart: groups as subgraphs, states as classes."""
    ordered = sorted(nodes, key=lambda n: n.key)
    names = {node.key: f"n{number}" for number, node in enumerate(ordered)}
    lines = ["flowchart LR"]
    for number, group in enumerate(sorted({n.group or "" for n in nodes})):
        members = [_node(names[n.key], n) for n in ordered if (n.group or "") == group]
        if group:
            members = [f'subgraph g{number}["{_escape(group)}"]', *(f"  {m}" for m in members), "end"]
        lines += [f"  {member}" for member in members]
    lines += [f"  {names[upstream]} --> {names[downstream]}" for upstream, downstream in sorted(edges)]
    for state in sorted({n.state for n in nodes}):
        look = LOOKS[state]
        dashes = ",stroke-dasharray:4 3" if state in ("missing", "undeclared") else ""
        lines.append(f"  classDef {state} fill:{look.fill},stroke:{look.border},color:#1d2329{dashes}")
    if any(n.is_changed for n in nodes):
        lines.append("  classDef changed stroke-width:4px")
    lines += [f"  class {names[n.key]} changed" for n in ordered if n.is_changed]
    return "\n".join(lines) + "\n"


def _node(name: str, node: Node) -> str:
    label = "<br/>".join(_escape(line) for line in (node.key, *node.lines))
    opening, closing = {"source": ("[/", "/]"), "undeclared": (">", "]")}.get(node.kind, ("(", ")"))
    return f'{name}{opening}"{label}"{closing}:::{node.state}'


def _escape(text: str) -> str:
    """Return the text with everything that Mermaid or HTML might read as syntax as a character code."""
    return "".join(c if c.isalnum() or c in " _.-/:,→←●▲?◄○◊◆◌■…()'" else f"#{ord(c)};" for c in text)
