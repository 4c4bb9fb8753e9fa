"""Ways to damage a file, each of which has to be noticed; and lines that are whole and still no facts."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from blake3 import blake3

PAGE = 4096
WRONG: tuple[Any, ...] = (
    None,
    5,
    -1,
    True,
    1.5,
    "",
    [],
    {},
    ["x"],
    {"x": 1},
    [[1]],
    [None],
    10**30,
    "\ud800",
    10**400,
    float("inf"),
    "12",
    "0001-01-01T00:00+01:00",
)
"""Values, at least most of which are wrong in any one place."""


def write(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def _flip(path: Path, choose: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
    write(path, bytes(data))


def _truncate(path: Path, choose: random.Random) -> None:
    data = path.read_bytes()
    write(path, data[: choose.randrange(len(data))])


def _append(path: Path, choose: random.Random) -> None:
    write(path, path.read_bytes() + b"\0" * choose.choice([1, 1024]))


def _blank(path: Path, choose: random.Random) -> None:
    data = bytearray(path.read_bytes())
    start = choose.randrange(0, len(data), PAGE)
    stop = min(start + PAGE, len(data))
    data[start:stop] = bytes(stop - start)
    write(path, bytes(data))


def _link(path: Path, choose: random.Random) -> None:
    aside = path.with_name(f"moved-{choose.random()}")
    path.rename(path.parents[2] / aside.name)
    path.symlink_to(path.parents[2] / aside.name)


def _folder(path: Path, _choose: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path, _choose: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES: dict[str, Callable[[Path, random.Random], None]] = {
    "a flipped bit": _flip,
    "a truncation": _truncate,
    "appended bytes": _append,
    "a page of zeros": _blank,
    "a link": _link,
    "a folder": _folder,
    "a pipe": _pipe,
}


def damage(path: Path, kind: str, choose: random.Random) -> None:
    """Damage a file and give it its times back, as a disk would that does not know what it did."""
    before = path.stat()
    DAMAGES[kind](path, choose)
    if path.is_file() and not path.is_symlink():
        path.chmod(before.st_mode)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def swap(one: Path, other: Path) -> None:
    """Give each of two files the other's bytes and times."""
    aside = one.with_name("aside")
    shutil.copy2(one, aside)
    one.chmod(0o644)
    other.chmod(0o644)
    shutil.copy2(other, one)
    shutil.copy2(aside, other)
    aside.unlink()


def line_of(content: Any, counter: int) -> bytes:
    """Return a line with a right checksum, whatever it holds."""
    if isinstance(content, dict):
        return raw_line(json.dumps({"c": counter, **content}, separators=(",", ":")).encode())
    return raw_line(b'{"c":%d,"z":%s}' % (counter, json.dumps(content).encode()))


def raw_line(payload: bytes) -> bytes:
    return blake3(payload).hexdigest(8).encode() + b" " + payload + b"\n"


def spoiled(node: Any) -> Iterator[Any]:
    """Yield copies of a JSON value in which one thing, at any depth, is of another type or gone."""
    yield from WRONG
    items = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    for place, item in items:
        without = [*node[:place], *node[place + 1 :]] if isinstance(node, list) else {**node}
        if isinstance(without, dict):
            del without[place]
        yield without
        for other in spoiled(item):
            yield [*node[:place], other, *node[place + 1 :]] if isinstance(node, list) else {**node, place: other}
