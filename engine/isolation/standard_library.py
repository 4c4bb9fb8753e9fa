"""Functions of the standard library that storing and recording use, in case a step replaces one.

What is kept are functions and classes that a module had before. A new name stays: a
library that the step imported may have made it, and will not make it again.
"""

from __future__ import annotations

import builtins
import copyreg
import fcntl
import hashlib
import io
import json
import json.decoder
import json.encoder
import operator
import os
import pathlib
import pickle
import posixpath
import select
import shutil
import stat
import struct
import sys
import tempfile
import threading
import time
import zlib
from multiprocessing.connection import Connection
from typing import Any

from assetctl.assets.importing import is_personal
from assetctl.engine.isolation.kept import Kept

OWNERS: tuple[Any, ...] = (
    *(builtins, copyreg, fcntl, hashlib, io, json, json.decoder, json.encoder, os, pickle, posixpath, select, shutil),
    *(stat, struct, tempfile, time, zlib),
    *(pathlib.PurePath, pathlib.Path, json.JSONEncoder, json.JSONDecoder, threading.Thread, *Connection.__mro__[:2]),
)


def _is_code(value: Any) -> bool:
    is_error = isinstance(value, type) and issubclass(value, BaseException)
    return (callable(value) or isinstance(value, staticmethod | classmethod | property)) and not is_error


def _names(owner: Any) -> tuple[str, ...]:
    """Return what is kept of an owner: all functions of a class, the public ones of a module."""
    functions = (name for name, value in vars(owner).items() if _is_code(value))
    return tuple(functions) if isinstance(owner, type) else tuple(n for n in functions if n[0] != "_")


_NAMES = tuple(map(_names, OWNERS))
_READ = tuple(operator.itemgetter(*names) for names in _NAMES)
_SPACES = tuple(vars(owner) for owner in OWNERS)


def _functions() -> list[tuple[Any, ...]]:
    try:
        return [read(space) for read, space in zip(_READ, _SPACES, strict=True)]
    except KeyError:  # the project deletes one while it is imported
        return [tuple(map(space.get, names)) for space, names in zip(_SPACES, _NAMES, strict=True)]


def _put_back_functions(was: list[tuple[Any, ...]]) -> None:
    for owner, space, read, names, before in zip(OWNERS, _SPACES, _READ, _NAMES, was, strict=True):
        try:
            if read(space) == before:
                continue
        except Exception:  # noqa: BLE001  one was deleted, or what a step put there cannot be compared
            pass
        for name, function in zip(names, before, strict=True):
            if space.get(name) is not function:
                setattr(owner, name, function)


def _put_back_reducers(was: dict[Any, Any]) -> None:
    if copyreg.dispatch_table == was:
        return
    for cls in copyreg.dispatch_table.keys() - was.keys():
        if not (_is_installed(cls) and _is_installed(copyreg.dispatch_table[cls])):
            del copyreg.dispatch_table[cls]
    copyreg.dispatch_table.update(was)


def _is_installed(code: Any) -> bool:
    """Say whether a class or a function is a library's: its import registered it, and happens once."""
    name = getattr(code, "__module__", None) or "builtins"
    file = getattr(sys.modules.get(name), "__file__", None)
    return name == "builtins" or (isinstance(file, str) and not is_personal(file))


STANDARD_LIBRARY: tuple[Kept, ...] = (
    Kept("functions of the standard library", _functions, _put_back_functions, is_for_storing=True),
    Kept("ways to pickle", lambda: dict(copyreg.dispatch_table), _put_back_reducers, is_for_storing=True),
)
