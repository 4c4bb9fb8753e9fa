"""File systems of pyarrow, whose methods open files in native code: classes that stand for them, and note.

What native code is handed such a file system for is noted where its Python name is wrapped
(`native_readers.py`); a file system that native code made itself notes nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from assetctl.engine.watching.askers import Asker
from assetctl.engine.watching.given import note_given, note_written
from assetctl.engine.watching.touched import Aspect, noting

_PYARROW = f"{os.sep}pyarrow{os.sep}"
_READING = ("open_input_file", "open_input_stream")
_WRITING = ("open_output_stream", "open_append_stream", "delete_file", "delete_dir", "create_dir")


def local_path(file_system: Any, path: object) -> object:
    """Return the path that one within a file system means on this machine; None if it is on another."""
    if not isinstance(path, str | os.PathLike):
        return path
    kind = getattr(file_system, "type_name", "local")
    if kind == "subtree":
        return local_path(file_system.base_fs, os.path.join(file_system.base_path, os.fspath(path)))
    return path if kind == "local" or not isinstance(kind, str) else None


def note_information(file_system: Any, wanted: object) -> None:
    """Note the paths, or the folder, whose information is asked for, unless pyarrow asks: it is handed them."""
    asking = sys._getframe(2).f_code.co_filename
    with noting() as touched:
        if touched is None or _PYARROW in asking:
            return
        folder = getattr(wanted, "base_dir", None)
        if folder is not None:
            aspects = Aspect.TREE if wanted.recursive else Aspect.ENTRIES  # type: ignore[attr-defined]
            touched.note_look(local_path(file_system, folder), aspects, Asker.OWN)
            return
        for path in wanted if isinstance(wanted, list | tuple) else [wanted]:
            touched.note_look(local_path(file_system, path), Aspect.SIZE | Aspect.TIME, Asker.OWN)


def wrap_file_systems(module: ModuleType, mark: str) -> None:
    """Put noting classes in the place of those of `pyarrow.fs`."""
    if hasattr(module.LocalFileSystem, mark):
        return
    local = _heir(module.LocalFileSystem, mark)
    subtree = _heir(module.SubTreeFileSystem, mark)
    base = module.FileSystem
    natives = (local.__mro__[1], subtree.__mro__[1])

    def noting_one(file_system: Any) -> Any:
        if type(file_system) is natives[0]:
            return local()
        if type(file_system) is natives[1]:
            return subtree(file_system.base_path, noting_one(file_system.base_fs))
        return file_system

    def from_uri(uri: Any) -> tuple[Any, str]:
        file_system, path = base.from_uri(uri)
        return noting_one(file_system), path

    root = _standing_for(base, {mark: True, "from_uri": staticmethod(from_uri)})
    module.LocalFileSystem, module.SubTreeFileSystem, module.FileSystem = local, subtree, root  # type: ignore[attr-defined]


def wrap_datasets(module: ModuleType, mark: str) -> None:
    """Put noting classes in the place of those of `pyarrow.dataset` that are handed paths within a file system."""
    for name in ("ParquetFileFormat", "CsvFileFormat", "IpcFileFormat", "JsonFileFormat", "OrcFileFormat"):
        kind = getattr(module, name, None)
        if kind is not None and not hasattr(kind, mark):
            setattr(module, name, _standing_for(kind, {mark: True, "make_fragment": _of_fragment(kind)}))
    kind = module.FileSystemDatasetFactory
    if not hasattr(kind, mark):

        def begin(self: Any, filesystem: Any, paths_or_selector: Any, *arguments: Any, **keywords: Any) -> None:
            if hasattr(paths_or_selector, "base_dir"):
                note_information(filesystem, paths_or_selector)
            else:
                note_given([local_path(filesystem, path) for path in paths_or_selector])
            kind.__init__(self, filesystem, paths_or_selector, *arguments, **keywords)

        module.FileSystemDatasetFactory = _standing_for(kind, {mark: True, "__init__": begin})  # type: ignore[attr-defined]


def _of_fragment(kind: Any) -> Callable[..., Any]:
    def make_fragment(self: Any, file: Any, filesystem: Any = None, *arguments: Any, **keywords: Any) -> Any:
        note_given(local_path(filesystem, file))
        return kind.make_fragment(self, file, filesystem, *arguments, **keywords)

    return make_fragment


def _heir(kind: Any, mark: str) -> Any:
    methods: dict[str, Any] = {mark: True}
    for name in _READING:
        methods[name] = _method(kind, name, lambda fs, path: note_given(local_path(fs, path)))
    for name in _WRITING:
        methods[name] = _method(kind, name, lambda fs, path: note_written(local_path(fs, path)))
    methods["get_file_info"] = _method(kind, "get_file_info", note_information)
    for name in ("copy_file", "move"):
        methods[name] = _between(kind, name)
    return _standing_for(kind, methods)


def _method(kind: Any, name: str, note: Callable[[Any, object], None]) -> Callable[..., Any]:
    original = getattr(kind, name)

    def method(self: Any, path: Any, *arguments: Any, **keywords: Any) -> Any:
        note(self, path)
        return original(self, path, *arguments, **keywords)

    return method


def _between(kind: Any, name: str) -> Callable[..., Any]:
    original = getattr(kind, name)

    def method(self: Any, src: Any, dest: Any) -> Any:
        note_given(local_path(self, src))
        note_written(local_path(self, dest))
        return original(self, src, dest)

    return method


def _standing_for(kind: Any, attributes: dict[str, Any]) -> Any:
    """Return a class that is one of native code to whoever asks, with some methods of its own."""

    class Meta(type(kind)):  # type: ignore[misc]
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, kind)

        def __subclasscheck__(cls, other: type) -> bool:
            return issubclass(other, kind)

    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    return Meta(kind.__name__, (kind,), {**names, **attributes})
