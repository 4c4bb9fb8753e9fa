"""Identity of other objects that are kept as pickles: what pickling makes of them, part by part.

The bytes of a pickle show more than the object: in which order its sets lie in memory, which equal strings are one.
So the parts that pickling asks an object for (`__reduce_ex__`, functions of `copyreg`) are written as values are. Only
for objects that were pickled already: their own code is called.
"""

from __future__ import annotations

import copyreg
import importlib.util
import io
import json
import re
import sys
import types
from collections.abc import Iterator
from typing import Any

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.walk import Child, Encoder, Walk, mro, type_name

_PROTOCOL = 4  # a later one hands out buffers in place of bytes


def reduced_parts(value: object) -> Iterator[tuple[str, object]]:
    """Yield what pickling makes of an object: where it is found, or how it is made again, each with its step.

    Raises:
        Exception: whatever the object's own code raises.
        TypeError: it gives something else than pickling takes.
    """
    reduced = _reduced(value)
    if isinstance(reduced, str):
        yield ".__reduce_ex__()", (getattr(value, "__module__", None), reduced)
        return
    if type(reduced) is not tuple or not 2 <= len(reduced) <= 6:
        raise TypeError(f"{type(reduced).__name__} is nothing to make an object from")
    yield ".__reduce_ex__()", reduced[0]
    yield ".__reduce_ex__()[1]", reduced[1]
    yield "", reduced[2] if len(reduced) > 2 else None
    yield "[:]", list(reduced[3]) if len(reduced) > 3 and reduced[3] is not None else None
    yield "[...]", [tuple(pair) for pair in reduced[4]] if len(reduced) > 4 and reduced[4] is not None else None
    yield ".__setstate__", reduced[5] if len(reduced) > 5 else None


def _reduced(value: Any) -> Any:
    own: Any = copyreg.dispatch_table.get(type(value))
    if own is None and type(value) in _KEPT_BY_VALUE and importlib.util.find_spec("cloudpickle") is not None:
        pickler = importlib.import_module("cloudpickle").CloudPickler(io.BytesIO(), _PROTOCOL)
        reduced = pickler.reducer_override(value)
        if reduced is not NotImplemented:
            return reduced
        own = pickler.dispatch_table.get(type(value))
    return value.__reduce_ex__(_PROTOCOL) if own is None else own(value)


_KEPT_BY_VALUE = (types.FunctionType, types.CodeType, types.CellType)
"""What is pickled with its code where no module has it under its name: a lambda, a function within a function."""


def _write(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    walk.class_of(out.tag("reduced"), type(value))
    for step, part in reduced_parts(value):
        yield out, part, step


def _write_function(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    if is_found(value):
        walk.named(out, value, (value.__module__, value.__qualname__))
        return
    yield from _write(walk, out, value)


def _write_class(walk: Walk, out: Framed, value: Any) -> None:
    if id(value) in _NAMELESS:
        out.tag("types").text(_NAMELESS[id(value)])
    elif value.__module__ == "__main__":  # pickled with its code
        walk.refuse(value)
    else:
        walk.named(out, value, (value.__module__, value.__qualname__))


_NAMELESS = {id(held): name for name, held in vars(types).items() if isinstance(held, type)}
"""Built-in classes that no module has under the name they give themselves: of code, of cells."""


def _write_module(walk: Walk, out: Framed, value: Any) -> None:
    out.tag("module").text(value.__name__)


def _write_figure(walk: Walk, out: Framed, value: Any) -> None:
    """Write what plotly's own format keeps of a figure: the order within its templates is chance."""
    out.tag("plotly").text(type_name(type(value))).text(json.dumps(json.loads(value.to_json()), sort_keys=True))


def _write_styler(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    """Write a table's style without the name that pandas draws for each one: five hexadecimal digits."""
    state = dict(vars(value))
    if re.fullmatch("[0-9a-f]{5}", str(state.get("uuid"))):
        del state["uuid"]
    yield out.tag("pandas.Styler"), state, ""


def is_found(function: Any) -> bool:
    """Say whether a function lies in its module under its name."""
    held: object = sys.modules.get(function.__module__ or "")
    if held is None or function.__module__ == "__main__":
        return False
    for part in function.__qualname__.split("."):
        held = getattr(held, part, None)
    return held is function


REDUCED = Encoder(_write, is_compound=True, whole=True)
BY_VALUE = {
    types.FunctionType: Encoder(_write_function, is_compound=True, whole=True),
    types.BuiltinFunctionType: Encoder(_write_function, is_compound=True, whole=True),
    type: Encoder(_write_class, whole=True),
    types.ModuleType: Encoder(_write_module, whole=True),
}
"""What pickling keeps although it has no identity of its own."""

_FIGURE = Encoder(_write_figure, whole=True)
_STYLER = Encoder(_write_styler, is_compound=True, whole=True)


def kept(cls: type) -> Encoder | None:
    """Return the encoder of objects that are known by themselves only within a pickle."""
    figure = getattr(sys.modules.get("plotly.basedatatypes"), "BaseFigure", None)
    if figure is not None and any(base is figure for base in mro(cls)):
        return _FIGURE
    if type_name(cls) in {"pandas.Styler", "pandas.io.formats.style.Styler", "pandas.api.typing.Styler"}:
        return _STYLER
    return BY_VALUE.get(cls)
