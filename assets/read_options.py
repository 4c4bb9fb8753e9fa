"""Options for reading a source's file: what may be one, and the text that tells it from every other.

Options are plain values, and types of columns: what has a text of its own in every process.
"""

from __future__ import annotations

import datetime
import decimal
import json
from collections.abc import Mapping

from assetctl.assets.errors import DeclarationError, Problem

_LIBRARIES = frozenset(("builtins", "datetime", "decimal", "numpy", "pandas", "polars", "pyarrow"))
_TYPES_OF_COLUMNS = frozenset(
    (
        ("numpy", "dtype"),
        ("numpy", "generic"),
        ("pandas", "ExtensionDtype"),
        ("polars", "DataType"),
        ("pyarrow", "DataType"),
        ("pyarrow", "Schema"),
    )
)


def check_options(options: object, where: str) -> dict[str, object]:
    """Return the options of a source, if they can be told apart.

    Raises:
        DeclarationError: they are no dict by name, or one of them is a function or another object.
    """
    if not isinstance(options, Mapping) or not all(type(name) is str for name in options):
        raise _refused("`options` of a source is not a dict by the names of options", where)
    for name, value in options.items():
        if describe(value) is None:
            raise _refused(f"the option `{name}` of a source is a `{type(value).__name__}`", where)
    return dict(options)


def options_text(options: Mapping[str, object]) -> str:
    """Return options as text; two that differ in anything differ in it. "" for none."""
    return ", ".join(f"{name}={describe(options[name])}" for name in sorted(options))


def describe(value: object) -> str | None:
    """Return the text of a value that may be (part of) an option, or None for one that may not."""
    match value:
        case None | bool() | int() | float() | bytes() if type(value) in (type(None), bool, int, float, bytes):
            return repr(value)
        case str() if type(value) is str:
            return json.dumps(value)
        case list() | tuple():
            return _enclosed("[]" if isinstance(value, list) else "()", [describe(item) for item in value])
        case set() | frozenset():
            texts = [describe(item) for item in value]
            return _enclosed("{}", sorted(texts, key=str))
        case dict():
            return _enclosed("{}", [_pair(describe(key), describe(item)) for key, item in value.items()])
        case type():
            return f"{value.__module__}.{value.__qualname__}" if _root(value) in _LIBRARIES else None
        case datetime.date() | datetime.time() | datetime.timedelta() | decimal.Decimal():
            return repr(value) if _root(type(value)) in _LIBRARIES else None
        case _:
            return _type_of_column(value)


def _type_of_column(value: object) -> str | None:
    cls = type(value)
    is_known = any((_root(base), base.__name__) in _TYPES_OF_COLUMNS for base in cls.__mro__)
    if not is_known or _root(cls) not in _LIBRARIES:
        return None
    name = f"{cls.__module__}.{cls.__qualname__}"
    categories = getattr(value, "categories", None)
    if categories is None:
        return f"{name}:{value!r}"
    texts = [describe(item) for item in categories]  # repr would cut them
    return _enclosed(f"{name}()", [*texts, f"ordered={getattr(value, 'ordered', None)}"])


def _enclosed(brackets: str, texts: list[str | None]) -> str | None:
    known = [text for text in texts if text is not None]
    return f"{brackets[:-1]}{', '.join(known)}{brackets[-1]}" if len(known) == len(texts) else None


def _pair(key: str | None, value: str | None) -> str | None:
    return None if key is None or value is None else f"{key}: {value}"


def _root(cls: type) -> str:
    return cls.__module__.partition(".")[0]


def _refused(message: str, where: str) -> DeclarationError:
    hint = (
        "options are None, numbers, text, lists, dicts, and types of columns; for anything else annotate the parameter "
        "as `pathlib.Path` and read the file in the asset"
    )
    return DeclarationError(Problem("bad-option", message, (("declared in", where),), hint))
