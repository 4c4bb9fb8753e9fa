"""What a step looked at and did not declare, as what is recorded; and whether it changed while the step ran."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assetctl.engine.watching.askers import Asker
from assetctl.engine.watching.touched import Aspect, Look, Touched, contents, status_of
from assetctl.engine.workspace.seen import Seen
from assetctl.lineage.facts.kinds import UndeclaredKind
from assetctl.lineage.facts.records import Undeclared


@dataclass(slots=True)
class Undeclareds:
    """What is to be recorded, and what changed meanwhile."""

    used: list[Undeclared] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)


def undeclared_looks(
    touched: Touched, seen: Seen, sources: Collection[str], code_files: Collection[str] = ()
) -> Undeclareds:
    """Return what a step looked at beyond its sources, with all that is below them, and the files that its code names.

    All are absolute paths. Of sources, whoever asks compares the status; of the other files it is compared here.
    """
    answer = Undeclareds()
    roots = tuple(path + os.sep for path in sources)
    for path, look in sorted(touched.looks.items()):
        is_declared = path in sources or path in code_files or path.startswith(roots)
        if path in code_files and _has_changed(path, look):  # whoever changed it: it was compared as code
            answer.changed.append(path)
        aspects = look.aspects & Aspect.TIME if is_declared else look.aspects
        name = os.path.relpath(path, touched.root)
        if not aspects or _is_its_own(touched, path, look, answer):
            continue
        for kind in _kinds(path, aspects):
            digest = seen.digest(kind, name)
            if digest is None:
                answer.changed.append(path)  # gone at this very moment
            else:
                answer.used.append(Undeclared(kind, name, digest))
                if kind is UndeclaredKind.FILE and look.digest not in (None, digest) and not touched.wrote(path):
                    answer.changed.append(path)
    return answer


def status_of_all(paths: Collection[str]) -> Mapping[str, object]:
    """Return the status of files, and of all that is below folders: what tells that they changed and changed back."""
    return {path: (status_of(path), contents(path, Aspect.TREE) if Path(path).is_dir() else None) for path in paths}


def _is_its_own(touched: Touched, path: str, look: Look, answer: Undeclareds) -> bool:
    """Say whether what is there is a product of the step; note where somebody else changed it."""
    if look.aspects is Aspect.KIND and touched.wrote(path) and Path(path).is_dir():
        return True  # it asked only to write there
    if not look.aspects & (Aspect.BYTES | Aspect.TREE) and touched.wrote(path) and look.asker is Asker.LIBRARY:
        return True
    if not _has_changed(path, look):
        return False
    if touched.wrote(path):
        return look.asker is not Asker.OWN  # what a library logs into; first-party code may read it next time
    answer.changed.append(path)
    return False


def _has_changed(path: str, look: Look) -> bool:
    now, aspects = status_of(path), look.aspects
    if (now is None) != (look.status is None):
        return True
    if aspects & (Aspect.NAMES | Aspect.ENTRIES | Aspect.TREE) and contents(path, aspects) != look.names:
        return True
    if now is None or look.status is None:
        return False
    if Aspect.BYTES in aspects:
        return now != look.status
    return (Aspect.SIZE in aspects and now[0] != look.status[0]) or (
        Aspect.TIME in aspects and now[1] != look.status[1]
    )


def _kinds(path: str, aspects: Aspect) -> Iterator[UndeclaredKind]:
    """Yield the kinds of facts that the aspects come to; one that holds another stands for it."""
    is_whole = False
    if Aspect.TREE in aspects and Path(path).is_dir():
        yield UndeclaredKind.FOLDER
        is_whole = True
    elif Aspect.BYTES in aspects and Path(path).is_file():
        yield UndeclaredKind.FILE
        is_whole = True
    if aspects & (Aspect.NAMES | Aspect.ENTRIES):
        yield UndeclaredKind.ENTRIES if Aspect.ENTRIES in aspects else UndeclaredKind.LISTING
    elif not is_whole and Aspect.SIZE in aspects:
        yield UndeclaredKind.SIZE
    elif not is_whole and aspects & (Aspect.KIND | Aspect.BYTES | Aspect.TREE) and Aspect.MODE not in aspects:
        yield UndeclaredKind.PLACE
    if Aspect.TIME in aspects:
        yield UndeclaredKind.TIME
    if Aspect.MODE in aspects:
        yield UndeclaredKind.MODE
    if Aspect.LINK in aspects:
        yield UndeclaredKind.LINK
