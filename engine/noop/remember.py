"""Remember that there was nothing to do, with the status of everything that verdict depended on.

This is done only where the status of files is enough to know: no file may be so recent that
an edit could hide behind its mtime, what is imported must follow from files (`imports.py`,
and the recorder, which tells from which), and every value read must be in a file. `answer.py` reads what was remembered.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from assetctl.assets.definition import SourceShape
from assetctl.assets.importing import is_personal, text_of
from assetctl.engine.noop.answer import FORMAT, VOLATILE, file_name, journal_line, signature
from assetctl.engine.noop.imports import follows_from_files
from assetctl.engine.secrets.secret_values import mask_of_environment
from assetctl.engine.watching.touched import status_of
from assetctl.engine.workspace.seen import UNSEEN
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.deciding.relied_on import ReliedOn
from assetctl.lineage.facts.kinds import UndeclaredKind
from assetctl.lineage.facts.records import Output, Undeclared
from assetctl.storage.sources.observing import glob_files, source_path
from assetctl.storage.state.modes import make_folders
from assetctl.storage.state.whole import write_whole

_RACY_NS = 2_000_000_000  # coarse clocks of file systems: an edit this soon after could look like none
_MOST_FILES = 20_000


@dataclass(frozen=True, slots=True)
class Beginning:
    """A command as it began, before it read or imported anything: imports may change the environment.

    `words` are its arguments: the selection, and nothing else.
    """

    ns: int
    surroundings: str
    words: tuple[str, ...] = ()


class _NotRememberable(Exception):
    """Something that the status of files does not show."""


def remember_noop(
    workspace: Workspace, known: ReliedOn, n_fresh: int, began: Beginning, modules: Iterable[ModuleType]
) -> bool:
    """Remember that a selection had nothing to do, and say whether that was possible.

    `known` is what the run's outcome rests on, `modules` are those that are imported.
    """
    files = [file for m in modules if isinstance(file := getattr(m, "__file__", None), str) and is_personal(file)]
    try:
        return _write(workspace, _paths_relied_on(workspace, known, files), n_fresh, began)
    except (OSError, UnicodeEncodeError):
        return False  # it would only have been faster next time


def _write(workspace: Workspace, paths: list[str] | None, n_fresh: int, began: Beginning) -> bool:
    journal = str(workspace.layout.journal)
    segments = journal_line(journal)
    if paths is None or workspace.stores.journal.sizes() != workspace.stores.folded_sizes:
        return False
    signatures = [f"{signature(path)}\t{path}" for path in paths]
    if not _is_settled(paths, began.ns) or journal_line(journal) != segments:
        return False
    answer = f"succeeded in 0 ms: {n_fresh} fresh"
    lines = [FORMAT, began.surroundings, " ".join(began.words), journal, segments, answer, *signatures, "end"]
    text = "\n".join(lines)
    if mask_of_environment().text(text) != text:
        return False  # the name of a file that is looked at holds a secret
    target = workspace.layout.cache / "noop" / file_name(list(began.words))
    make_folders(target.parent)
    write_whole(target, text.encode(), durable=False)
    return True


def _paths_relied_on(workspace: Workspace, known: ReliedOn, files: Sequence[str]) -> list[str] | None:
    """Return every path whose status a no-op verdict depends on, sorted; None if that is not enough to know.

    `files` are those of the imported first-party modules.
    """
    if known.pins:
        return None  # a pin is named every time
    try:
        paths = {*_code(workspace, files), *_folders(workspace, files), *_data(workspace, known)}
    except _NotRememberable:
        return None
    return sorted(paths) if len(paths) <= _MOST_FILES and not any("\n" in path for path in paths) else None


def _is_settled(paths: Iterable[str], began_ns: int) -> bool:
    """Say whether nothing among the paths changed since, or shortly before, the command began."""
    for path in paths:
        try:
            status = os.stat(path)  # noqa: PTH116  thousands of paths, as text
        except FileNotFoundError:
            continue
        if max(status.st_mtime_ns, status.st_ctime_ns) > began_ns - _RACY_NS:
            return False
    return True


def _code(workspace: Workspace, files: Sequence[str]) -> Iterator[str]:
    yield str(workspace.settings.where)
    texts = {file: text_of(file) for file in files if file.endswith(".py")}  # a compiled module counts by its file
    known = {file: text for file, text in texts.items() if text is not None}
    if len(known) < len(texts) or not follows_from_files(known):
        raise _NotRememberable("what is imported")
    yield from files
    own_state = f"{workspace.layout.state}{os.sep}"  # what we cached ourselves decides nothing
    looked = workspace.declarations.looked_at_import | workspace.declarations.identification().looked_at_import
    if looked.unseen:
        raise _NotRememberable(*looked.unseen)
    _refuse_variables(looked.variables)
    for path, status in looked.paths.items():
        if not path.startswith(own_state):
            if status_of(path) != status:
                raise _NotRememberable(path)
            yield path


def _folders(workspace: Workspace, files: Sequence[str]) -> Iterator[str]:
    """Yield folders in which a new file could change what is imported or declared."""
    here = Path.cwd()
    yield from (str(folder) for folder in (here, *here.parents) if folder.is_relative_to(workspace.root))
    yield from (os.path.dirname(file) for file in files)
    for entry in workspace.settings.assets:
        if (workspace.root / entry).is_dir():
            yield from _below(workspace.root / entry, lambda path: path.is_dir())


def _data(workspace: Workspace, known: ReliedOn) -> Iterator[str]:
    for target in known.sources:
        declaration = known.graph.sources[target.asset]
        path = source_path(declaration, workspace.root)
        if declaration.shape is SourceShape.DIRECTORY:
            yield from _below(path, lambda _: True)
        elif declaration.shape is SourceShape.GLOB:
            yield from map(str, glob_files(declaration, workspace.root))
            base = next(parent for parent in path.parents if not any(mark in str(parent) for mark in "*?["))
            yield from _below(base, lambda inside: inside.is_dir())
        else:
            yield str(path)
    for recorded in known.latest.values():
        yield from _blobs(workspace, recorded.output)
        for used in recorded.materialization.undeclared:
            yield from _used(workspace, used)
        step = known.graph.steps[recorded.output.target.asset]
        _refuse_variables(workspace.declarations.identification().declared_variables(step, known.graph))
    if any(step.declaration.options.exists is not None for step in known.graph.steps.values()):
        raise _NotRememberable("exists")


def _used(workspace: Workspace, used: Undeclared) -> Iterator[str]:
    """Yield the paths whose status tells whether something that a step was seen to use is as it was."""
    path = workspace.root / used.name
    match used.kind:
        case (
            UndeclaredKind.FILE
            | UndeclaredKind.LISTING
            | UndeclaredKind.PLACE
            | UndeclaredKind.SIZE
            | UndeclaredKind.TIME
            | UndeclaredKind.MODE
        ):
            yield str(path)
        case UndeclaredKind.FOLDER | UndeclaredKind.ENTRIES:
            yield from _below(path, lambda _: True)
        case UndeclaredKind.VARIABLE:
            _refuse_variables([used.name])
        case UndeclaredKind.UNSEEN if used.digest == UNSEEN:
            pass  # it never counts
        case _:
            raise _NotRememberable(used.name)


def _refuse_variables(names: Iterable[str]) -> None:
    """Refuse variables that are not compared because they differ between two terminals."""
    for name in names:
        if name in VOLATILE or any(other.startswith(name[:-1]) for other in VOLATILE if name.endswith("*")):
            raise _NotRememberable(name)


def _blobs(workspace: Workspace, output: Output) -> Iterator[str]:
    if output.codec.startswith("folder"):
        raise _NotRememberable(output.target)
    if output.blob is not None and output.inline is None:
        path = workspace.stores.data.blobs.path(output.blob)
        if (
            workspace.settings.remote is not None and not path.exists()
        ):  # it may be in the shared cache, or not any more
            raise _NotRememberable(output.target)
        yield str(path)


def _below(folder: Path, wanted: Callable[[Path], bool]) -> Iterator[str]:
    """Yield a folder and what is wanted of everything below it."""
    yield str(folder)
    for n_seen, path in enumerate(folder.rglob("*")):
        if n_seen > _MOST_FILES:
            raise _NotRememberable(str(folder))
        if wanted(path):
            yield str(path)
