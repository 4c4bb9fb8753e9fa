"""Cases of code identity: a small project, one edit, and whether `model` must change.

A project is text; `--- name.py` begins another file, the first is `pipeline.py`. The
edit replaces `old` by `new` in all files.
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    claim: str
    expect: str  # "rebuild" or "keep"
    project: str
    old: str
    new: str


def rebuild(claim: str, project: str, old: str, new: str) -> Case:
    return Case(claim, "rebuild", project, old, new)


def keep(claim: str, project: str, old: str, new: str) -> Case:
    return Case(claim, "keep", project, old, new)


ASSET = "from assetctl import asset\n@asset\n"
