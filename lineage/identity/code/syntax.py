"""Write a syntax tree as bytes that depend on its meaning alone.

Equal on every supported Python version, whatever the formatting. Every node is its
name, the number of its non-empty fields and each field's name and value; text and
numbers are tagged and length-prefixed, so no two different trees give equal bytes.
Positions, comments, expression contexts and type comments never appear; docstrings
and annotations appear only where the caller says that they are read.
"""

from __future__ import annotations

import ast
import enum
import inspect
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

_UNREAD_FIELDS = frozenset({"ctx", "type_comment", "type_ignores", "kind"})
_DOUBLE = struct.Struct("<d")

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Item = object  # bytes already written, a node, a list, a constant or None
_Fields = list[tuple[str, object]]


class Reading(enum.IntFlag):
    """What usually cannot change what code does, but is read by it here."""

    NOTHING = 0
    DOCS = 1
    ANNOTATIONS = 2
    SUBCLASSES = 4  # of classes that are reached: code that scans them runs what no name leads to


def function_syntax(node: FunctionNode, reading: Reading) -> bytes:
    """Return a function's signature and body; its name, decorators and default values are not part of it."""
    marks: _Fields = [("form", type(node).__name__), ("args", _Signature(node.args))]
    if isinstance(node, ast.Lambda):
        marks.append(("body", node.body))
    else:
        marks.append(("body", _without_docstring(node.body)))
        marks.append(("type_params", getattr(node, "type_params", [])))
        if reading & Reading.ANNOTATIONS:
            marks.append(("returns", node.returns))
    return _write(marks, reading)


def nodes_syntax(nodes: Sequence[ast.AST], reading: Reading) -> bytes:
    """Return any nodes, in order. An annotated assignment at this level keeps its annotation."""
    return _write([("nodes", [_Fielded(n) if isinstance(n, ast.AnnAssign) else n for n in nodes])], reading)


def node_syntax(node: ast.AST, reading: Reading) -> bytes:
    """Return one node; `joined_syntax` of several is their `nodes_syntax`."""
    return _run([node], reading)


def joined_syntax(parts: Sequence[bytes]) -> bytes:
    """Return expressions that were written one by one, as `nodes_syntax` would write them together."""
    stack: list[_Item] = []
    _push(stack, "symbol", [("nodes", b"l%d;" % len(parts) + b"".join(parts) if parts else None)])
    return _run(stack, Reading.NOTHING)


def constant_bytes(value: object) -> bytes:
    """Return a constant of Python's syntax, tagged by its type."""
    kind = type(value)
    if kind is str:
        return _sized(b"s", str.encode(value, "utf-8", "surrogatepass"))  # type: ignore[arg-type]
    if kind is bool:
        return b"T" if value else b"F"
    if kind is int:
        number: int = value  # type: ignore[assignment]
        return _sized(b"i", number.to_bytes((number.bit_length() + 8) // 8, "little", signed=True))
    if kind is float:
        return b"f" + _DOUBLE.pack(value)
    if kind is complex:
        pair: complex = value  # type: ignore[assignment]
        return b"c" + _DOUBLE.pack(pair.real) + _DOUBLE.pack(pair.imag)
    if kind is bytes:
        return _sized(b"b", value)  # type: ignore[arg-type]
    if value is None:
        return b"N"
    if value is Ellipsis:
        return b"E"
    if kind is tuple:
        items: tuple[object, ...] = value  # type: ignore[assignment]
        return b"t%d;" % len(items) + b"".join(map(constant_bytes, items))
    if kind is frozenset:
        members: frozenset[object] = value  # type: ignore[assignment]
        return b"z%d;" % len(members) + b"".join(sorted(map(constant_bytes, members)))
    raise TypeError(f"{kind.__name__} is not a constant of Python's syntax")


class _Signature:
    """Parameters of a function that is a symbol: which have a default counts, its value is captured live."""

    __slots__ = ("args",)

    def __init__(self, args: ast.arguments) -> None:
        self.args = args


class _Fielded:
    """An annotated assignment whose annotation creates a field."""

    __slots__ = ("node",)

    def __init__(self, node: ast.AnnAssign) -> None:
        self.node = node


def _sized(tag: bytes, payload: bytes) -> bytes:
    return tag + b"%d:" % len(payload) + payload


def _write(fields: _Fields, reading: Reading) -> bytes:
    stack: list[_Item] = []
    _push(stack, "symbol", fields)
    return _run(stack, reading)


def _run(stack: list[_Item], reading: Reading) -> bytes:
    out: list[bytes] = []
    while stack:
        item = stack.pop()
        if type(item) is bytes:
            out.append(item)
        elif type(item) is list:
            kept = _statements(item, reading) if item and isinstance(item[0], ast.stmt) else item
            out.append(b"l%d;" % len(kept))
            stack.extend(reversed(kept))
        elif isinstance(item, ast.Constant):
            out.append(b"k" + constant_bytes(item.value))
        elif isinstance(item, ast.AST):
            normal = _NORMAL.get(type(item))
            if normal is None:
                _push(stack, type(item).__name__, [(name, getattr(item, name, None)) for name in item._fields])
            else:
                _push(stack, *normal(item, reading))
        elif type(item) is _Signature:
            _push(stack, "arguments", _signature(item.args, reading))
        elif type(item) is _Fielded:
            _push(stack, "Field", [(name, getattr(item.node, name)) for name in ("target", "annotation", "value")])
        else:
            out.append(constant_bytes(item))
    return b"".join(out)


def _push(stack: list[_Item], name: str, fields: _Fields) -> None:
    """Push a node so that its parts are popped in the order of field names."""
    kept = sorted(_present(fields), key=lambda pair: pair[0])
    for field_name, value in reversed(kept):
        stack.append(value[0])
        stack.append(constant_bytes(field_name))
    stack.append(_sized(b"n", name.encode()) + b"%d;" % len(kept))


def _present(fields: _Fields) -> Iterable[tuple[str, tuple[object]]]:
    for name, value in fields:
        is_empty = value is None or (type(value) is list and not value)
        if not is_empty and name not in _UNREAD_FIELDS:
            yield name, (value,)


def _statements(body: list[ast.stmt], reading: Reading) -> list[object]:
    """Drop statements that do nothing: `pass`, constants, annotations without a value."""
    kept: list[object] = []
    for statement in body:
        if isinstance(statement, ast.Pass):
            continue
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        if isinstance(statement, ast.AnnAssign) and statement.value is None:
            if reading & Reading.ANNOTATIONS:
                kept.append(_Fielded(statement))
            continue
        kept.append(statement)
    return kept


def _docstring(body: list[ast.stmt]) -> str | None:
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        text = body[0].value.value
        return inspect.cleandoc(text) if isinstance(text, str) else None
    return None


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    return body if _docstring(body) is None else body[1:]


def _documented(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, reading: Reading) -> _Fields:
    doc = _docstring(node.body) if reading & Reading.DOCS else None
    return [
        ("name", node.name),
        ("doc", doc),
        ("decorator_list", node.decorator_list),
        ("type_params", getattr(node, "type_params", [])),
    ]


def _nested_function(node: ast.FunctionDef | ast.AsyncFunctionDef, reading: Reading) -> tuple[str, _Fields]:
    fields = [*_documented(node, reading), ("args", node.args), ("body", _without_docstring(node.body))]
    if reading & Reading.ANNOTATIONS:
        fields.append(("returns", node.returns))
    return type(node).__name__, fields


def _nested_class(node: ast.ClassDef, reading: Reading) -> tuple[str, _Fields]:
    body = [_Fielded(s) if isinstance(s, ast.AnnAssign) else s for s in _statements_of_class(node.body)]
    fields = [*_documented(node, reading), ("bases", node.bases), ("keywords", node.keywords), ("body", body)]
    return "ClassDef", fields


def _statements_of_class(body: list[ast.stmt]) -> list[ast.stmt]:
    return [
        s
        for s in body
        if not isinstance(s, ast.Pass) and not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
    ]


def _parameter(arg: ast.arg, default: object, reading: Reading) -> list[object]:
    return [arg.arg, default, arg.annotation if reading & Reading.ANNOTATIONS else None]


def _signature(args: ast.arguments, reading: Reading) -> _Fields:
    flagged = ast.arguments(
        posonlyargs=args.posonlyargs,
        args=args.args,
        vararg=args.vararg,
        kwonlyargs=args.kwonlyargs,
        kw_defaults=[None if d is None else ast.Constant(True) for d in args.kw_defaults],
        kwarg=args.kwarg,
        defaults=[ast.Constant(True) for _ in args.defaults],
    )
    return _arguments(flagged, reading)[1]


def _arguments(args: ast.arguments, reading: Reading) -> tuple[str, _Fields]:
    positional = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
    rows = [_parameter(a, d, reading) for a, d in zip(positional, defaults, strict=True)]
    n_posonly = len(args.posonlyargs)
    by_name = sorted(zip(args.kwonlyargs, args.kw_defaults, strict=True), key=lambda pair: pair[0].arg)
    fields: _Fields = [
        ("posonlyargs", rows[:n_posonly]),
        ("args", rows[n_posonly:]),
        ("kwonlyargs", [_parameter(a, d, reading) for a, d in by_name]),
    ]
    for name in ("vararg", "kwarg"):
        star = getattr(args, name)
        fields.append((name, None if star is None else _parameter(star, None, reading)))
    return "arguments", fields


def _annotated_assignment(node: ast.AnnAssign, reading: Reading) -> tuple[str, _Fields]:
    fields: _Fields = [("targets", [node.target]), ("value", node.value)]
    if reading & Reading.ANNOTATIONS:
        fields.append(("annotation", node.annotation))
    return "Assign", fields


def _formatted_text(node: ast.JoinedStr, reading: Reading) -> tuple[str, _Fields]:
    """Join neighbouring constants: versions differ in where they cut an f-string."""
    parts: list[object] = []
    text = ""
    for part in _flat_parts(node):
        if isinstance(part, ast.Constant):
            text += str(part.value)
            continue
        parts += [text, part] if text else [part]
        text = ""
    return "JoinedStr", [("values", [*parts, text] if text else parts)]


def _flat_parts(node: ast.JoinedStr) -> Iterable[ast.expr]:
    for part in node.values:
        if isinstance(part, ast.JoinedStr):
            yield from _flat_parts(part)
        else:
            yield part


def _formatted_value(node: ast.FormattedValue, reading: Reading) -> tuple[str, _Fields]:
    spec = node.format_spec
    if isinstance(spec, ast.JoinedStr) and not _formatted_text(spec, reading)[1][0][1]:
        spec = None
    return "FormattedValue", [("value", node.value), ("conversion", node.conversion), ("format_spec", spec)]


def _type_parameter(node: Any, reading: Reading) -> tuple[str, _Fields]:
    """Leave out what a type parameter is bound to: like an annotation, it does nothing unless it is read."""
    named: _Fields = [("name", node.name)]
    if reading & Reading.ANNOTATIONS:
        named += [(name, getattr(node, name, None)) for name in node._fields if name != "name"]
    return type(node).__name__, named


_TYPE_PARAMETERS: tuple[type, ...] = tuple(
    getattr(ast, name) for name in ("TypeVar", "ParamSpec", "TypeVarTuple") if hasattr(ast, name)
)

_NORMAL: dict[type, Callable[..., tuple[str, _Fields]]] = {
    ast.FunctionDef: _nested_function,
    ast.AsyncFunctionDef: _nested_function,
    ast.ClassDef: _nested_class,
    ast.arguments: _arguments,
    ast.AnnAssign: _annotated_assignment,
    ast.JoinedStr: _formatted_text,
    ast.FormattedValue: _formatted_value,
    **dict.fromkeys(_TYPE_PARAMETERS, _type_parameter),
}
