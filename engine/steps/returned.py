"""Whether a function may return `None`: a forgotten `return` must not be published as a value."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable
from typing import Any

from assetctl.assets.errors import AssetFailed
from assetctl.lineage.graph.asset_graph import Step

_WRAPPERS = (typing.Annotated, typing.Final, typing.ClassVar)
_AWAITED = {"collections.abc.Awaitable", "collections.abc.Coroutine"}
_MAY_BE_NONE = re.compile(r"\b(?:None|NoneType|Optional|Any|object|Never|NoReturn)\b")


def refuse_forgotten_return(step: Step, value: object) -> None:
    """Refuse `None` from a function whose annotation promises something else.

    Raises:
        AssetFailed: with the annotation, and where the function is declared.
    """
    fn = step.declaration.compute.fn
    if value is not None or may_return_none(fn):
        return
    raise AssetFailed.of(
        "forgotten-return",
        f"`{step.name}` returned None, and is annotated to return {_shown(fn)}",
        ("declared in", step.where),
        hint="add the missing `return`, or annotate it `-> None` if there is nothing to keep",
    )


def may_return_none(fn: Callable[..., Any]) -> bool:
    """Say whether a function's annotation allows `None`; without one, everything is allowed."""
    written = getattr(fn, "__annotations__", {})
    if "return" not in written:
        return True
    annotation = written["return"]
    try:
        annotation = typing.get_type_hints(fn, include_extras=True)["return"]
    except Exception:  # noqa: BLE001  a name that only a type checker knows, or anything else in another's annotations
        if isinstance(annotation, str):
            return _MAY_BE_NONE.search(annotation) is not None
    return _allows_none(annotation)


def _allows_none(annotation: Any) -> bool:
    if annotation is None or annotation in (type(None), Any, object, typing.NoReturn, typing.Never):
        return True
    if isinstance(annotation, typing.TypeVar):
        bound = annotation.__constraints__ or (annotation.__bound__,)
        return any(_allows_none(one) for one in bound)
    if isinstance(annotation, str):
        return _MAY_BE_NONE.search(annotation) is not None
    if hasattr(annotation, "__supertype__"):  # typing.NewType
        return _allows_none(annotation.__supertype__)
    if type(annotation).__name__ == "TypeAliasType":
        return _allows_none(annotation.__value__)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(_allows_none(one) for one in arguments)
    if origin in _WRAPPERS:
        return _allows_none(arguments[0])
    if origin is typing.Literal:
        return None in arguments
    if origin is not None and f"{origin.__module__}.{origin.__qualname__}" in _AWAITED:
        return _allows_none(arguments[-1])
    return False


def _shown(fn: Callable[..., Any]) -> str:
    annotation = fn.__annotations__["return"]
    if isinstance(annotation, str):
        return f"`{annotation}`"
    name = annotation.__qualname__ if isinstance(annotation, type) else str(annotation)
    return f"`{name}`"
