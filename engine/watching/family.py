"""What the forked children of a step look at: each writes it to a file, which the step's process reads at the end.

A forked child has the recorder, but its own memory. It may end in any way and may close any
descriptor; so it writes each look at once, and opens the file for it. What a child does after
the step's end is not read.
"""

from __future__ import annotations

import functools
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assetctl.engine.watching.askers import Asker
from assetctl.engine.watching.touched import Aspect, Look, Status, Touched, active, contents, forget_threads

_open, _write, _close = os.open, os.write, os.close  # while a watch is on, a name may lead to a wrapper
_hooked: list[bool] = []


@contextmanager
def families(touched: Touched) -> Iterator[None]:
    """Take in what forked children look at, from the first fork until the block ends."""
    if not _hooked:
        _hooked.append(True)
        os.register_at_fork(before=_expect, after_in_child=_begin_telling)
    try:
        yield
    finally:
        if touched.told_in and touched.tell is None:
            _take_in(touched)


def _expect() -> None:
    for touched in active:
        if not touched.told_in and not touched.is_import:
            try:
                descriptor, touched.told_in = tempfile.mkstemp(prefix="assetctl-looks-")
                _close(descriptor)
            except OSError as error:
                touched.keep("lost", type(error).__name__)


def _begin_telling() -> None:
    forget_threads()
    for touched in active:
        if touched.told_in:
            touched.tell = functools.partial(_tell, touched)


def _tell(touched: Touched) -> None:
    news, touched.news = touched.news, []
    if news:
        descriptor = _open(touched.told_in, os.O_WRONLY | os.O_APPEND)
        try:
            _write(descriptor, "".join(json.dumps(_line(touched, *new)) + "\n" for new in news).encode())
        finally:
            _close(descriptor)


def _line(touched: Touched, kind: str, name: str) -> list[object]:
    if kind != "look":
        return [kind, name]
    look = touched.looks[name]
    return [kind, name, look.aspects.value, int(look.asker), look.status]


def _take_in(touched: Touched) -> None:
    try:
        lines = [json.loads(line) for line in Path(touched.told_in).read_text(encoding="utf-8").splitlines()]
        Path(touched.told_in).unlink()
    except (OSError, ValueError) as error:
        touched.keep("lost", type(error).__name__)
        return
    for kind, name, *rest in lines:
        if kind == "look":
            _take_look(touched, name, Aspect(rest[0]), Asker(rest[1]), None if rest[2] is None else tuple(rest[2]))
        else:
            touched.keep(kind, name)


def _take_look(touched: Touched, path: str, aspects: Aspect, asker: Asker, status: Status) -> None:
    look = touched.looks.setdefault(path, Look(aspects, asker, status))
    look.aspects |= aspects
    look.asker = max(look.asker, asker)
    if look.names is None and look.aspects & (Aspect.NAMES | Aspect.ENTRIES | Aspect.TREE):
        look.names = contents(path, look.aspects)
