"""What a frame of first-party code is calling just now, where that is native code, which has no frame of its own."""

from __future__ import annotations

import linecache
import re
import sys
from itertools import islice
from types import FrameType, ModuleType

from assetctl.assets.importing import is_personal

_BEGINS_WITH_NAME = re.compile(r"\(?\s*([A-Za-z_]\w*)")


def calls_library(frame: FrameType) -> bool:
    """Say whether a frame calls something of an installed library, and does not itself speak of the environment.

    In doubt it does not: then what was read counts as first-party code's.
    """
    text = _text_of_call(frame)
    name = _BEGINS_WITH_NAME.match(text)
    if name is None or "environ" in text or "getenv" in text:
        return False
    value = frame.f_locals.get(name[1], frame.f_globals.get(name[1]))
    module = value if isinstance(value, ModuleType) else _module_of(value)
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and not is_personal(file) and "site-packages" in file


def _text_of_call(frame: FrameType) -> str:
    """Return the source of what a frame is evaluating, or its first line; "" if that is not known."""
    place = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), None)
    if place is None or place[0] is None or place[2] is None:
        return ""
    line = linecache.getline(frame.f_code.co_filename, place[0], frame.f_globals).encode()
    end = place[3] if place[1] == place[0] else None
    return line[place[2] : end].decode(errors="replace")


def _module_of(value: object) -> ModuleType | None:
    name = getattr(value, "__module__", None) or getattr(type(value), "__module__", None)
    return sys.modules.get(name) if isinstance(name, str) else None
