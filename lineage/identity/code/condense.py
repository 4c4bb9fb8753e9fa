"""Digest a graph of nodes so that the digest of a node covers everything it reaches.

Cycles are strongly connected groups (Tarjan, without recursion). Inside a group, nodes
are told apart by refining: each round, a node's colour takes in the colours it points
to, until no more nodes can be told apart. So the digest depends neither on where the
walk began nor on the order of imports, and equal digests mean equal unfoldings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from blake3 import blake3

from assetctl.lineage.identity.code.symbols import FORMAT, Node
from assetctl.lineage.identity.code.syntax import Reading
from assetctl.lineage.identity.encode import LENGTH, Framed, field_bytes


def digest_node(start: Node, reading: Reading) -> bytes:
    """Return the digest of a node (already expanded, with all it reaches) for what is read."""
    if reading not in start.digests:
        for group in _groups(start, reading):
            _digest_group(group, reading)
    return start.digests[reading]


def digest_alone(node: Node, reading: Reading, names: Iterable[str]) -> str:
    """Return the digest of a node itself and of the names of what it points to."""
    out = Framed(FORMAT).tag("symbol").raw(node.body(reading))
    for name in names:
        out.text(name)
    return out.hexdigest()


def _groups(start: Node, reading: Reading) -> Iterable[list[Node]]:
    """Yield strongly connected groups without a digest, those pointed to before those that point."""
    position: dict[int, int] = {id(start): 0}
    lowest: dict[int, int] = {id(start): 0}
    path: list[Node] = [start]
    on_path = {id(start)}
    frames = [(start, iter([edge.target for edge in start.outgoing(reading)]))]
    while frames:
        node, targets = frames[-1]
        target = next(targets, None)
        if target is None:
            frames.pop()
            if frames:
                above = id(frames[-1][0])
                lowest[above] = min(lowest[above], lowest[id(node)])
            if lowest[id(node)] == position[id(node)]:
                group = _take(path, node)
                on_path.difference_update(map(id, group))
                yield group
        elif reading in target.digests:
            continue
        elif id(target) not in position:
            position[id(target)] = lowest[id(target)] = len(position)
            path.append(target)
            on_path.add(id(target))
            frames.append((target, iter([edge.target for edge in target.outgoing(reading)])))
        elif id(target) in on_path:
            lowest[id(node)] = min(lowest[id(node)], position[id(target)])


def _take(path: list[Node], node: Node) -> list[Node]:
    group = [path.pop()]
    while group[-1] is not node:
        group.append(path.pop())
    return group


def _digest_group(group: list[Node], reading: Reading) -> None:
    if len(group) == 1 and not any(edge.target is group[0] for edge in group[0].outgoing(reading)):
        group[0].digests[reading] = _colour(group[0], reading, {})
        return
    colours = {id(node): b"" for node in group}
    n_told_apart = 1
    while True:
        colours = {id(node): _colour(node, reading, colours) for node in group}
        n_now = len(set(colours.values()))
        if n_now == n_told_apart:
            break
        n_told_apart = n_now
    everyone = b"".join(sorted(set(colours.values())))
    for node in group:
        node.digests[reading] = Framed(FORMAT).tag("group").raw(colours[id(node)]).raw(everyone).raw_digest()


def _colour(node: Node, reading: Reading, colours: Mapping[int, bytes]) -> bytes:
    rows = []
    for edge in node.outgoing(reading):
        known = colours.get(id(edge.target))
        rows.append((edge.label, b"=" + edge.target.digests[reading] if known is None else b"~" + known))
    if node.is_orderless:
        rows.sort()
    parts = [_HEAD, field_bytes(b"b", node.body(reading)), field_bytes(b"L", LENGTH.pack(len(rows)))]
    for label, digest in rows:
        parts += (_label(label), field_bytes(b"b", digest))
    return blake3(b"".join(parts)).digest()


@lru_cache(maxsize=10_000)
def _label(label: str) -> bytes:
    return field_bytes(b"s", label.encode("utf-8", "surrogatepass"))


# A node is written as `Framed(FORMAT).tag("node").raw(body).length(n)`, then `.text(label).raw(digest)` for each edge;
# spelled out, since it is what identifying a large project does most.
_HEAD = field_bytes(b"F", FORMAT.encode()) + field_bytes(b"T", b"node")
