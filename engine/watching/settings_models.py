"""Which variables a settings model of pydantic stands for: it reads all of them, and keeps those of its fields."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import FrameType
from typing import Any

_PART = f"{os.sep}pydantic_settings{os.sep}"
_MOST_FRAMES = 12


def names_meant(frame: FrameType | None, name: str) -> set[str]:
    """Return the names that count where a frame reads one, or all of them as "*".

    Of a settings model they are beginnings of names, each with a "*".
    """
    for _ in range(_MOST_FRAMES):
        if frame is None or _PART not in frame.f_code.co_filename:
            return {name}
        source = frame.f_locals.get("self")
        model = getattr(source, "settings_cls", None)
        if model is not None and isinstance(getattr(model, "model_fields", None), dict):
            prefix = str(getattr(source, "env_prefix", "") or "")
            return {f"{beginning.upper()}*" for beginning in _names(model.model_fields, prefix)}
        if name != "*":
            return set()  # a setting of the library's own
        frame = frame.f_back
    return {name}


def _names(fields: dict[str, Any], prefix: str) -> Iterator[str]:
    if prefix:
        yield prefix
    for name, field in fields.items():
        if not prefix:
            yield name
        for alias in (field.alias, field.validation_alias):
            yield from _of_alias(alias)


def _of_alias(alias: Any) -> Iterator[str]:
    if isinstance(alias, str):
        yield alias
    for choice in getattr(alias, "choices", ()):
        yield from _of_alias(choice)
    path = getattr(alias, "path", ())
    if path and isinstance(path[0], str):
        yield path[0]
