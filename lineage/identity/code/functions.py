"""Expand a function: its syntax (or code object), what it reads, its defaults, attributes and decorators."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Sequence
from dataclasses import replace

from assetctl.lineage.facts.kinds import SymbolKind
from assetctl.lineage.identity.code.bytecode import code_bytes, code_reads
from assetctl.lineage.identity.code.links import Reach, wrapped
from assetctl.lineage.identity.code.lookup import MISSING, Namespace, function_namespace
from assetctl.lineage.identity.code.origins import DISTRIBUTION, PROJECT, TOOL, foreign_name
from assetctl.lineage.identity.code.reads import Read, Reads
from assetctl.lineage.identity.code.sources import FunctionSource
from assetctl.lineage.identity.code.symbols import FORMAT, Node
from assetctl.lineage.identity.code.syntax import Reading, joined_syntax
from assetctl.lineage.identity.code.texts import Decorator, merged
from assetctl.lineage.identity.encode import Framed


def expand_function(reach: Reach, node: Node) -> None:
    """Fill in the node of a Python function."""
    fn = node.subject
    assert isinstance(fn, types.FunctionType)
    if reach.note_origin(node, fn).kind != PROJECT:
        _expand_foreign(reach, node, fn)
        return
    code = fn.__code__
    space = function_namespace(fn)
    node.findings.modules.append(str(fn.__globals__.get("__name__", "")))
    node.name = function_name(fn)
    node.where = reach.place(code.co_filename, code.co_firstlineno)
    source = reach.sources.function(code)
    if source is None:
        node.kind, node.source = SymbolKind.CODE, lambda: f"<code of {fn.__qualname__}>"
        _write_code(node, fn)
        reach.link_reads(node, Reads(code_reads(code), Reading.NOTHING), space, code.co_filename)
    else:
        node.kind, node.source = SymbolKind.FUNCTION, source.text
        _write_syntax(reach, node, fn, source)
    if "__class__" in code.co_freevars:
        node.link("__class__", reach.target(space.name("__class__"), "", node.where))
    _link_values(reach, node, fn)


def function_name(fn: types.FunctionType) -> str:
    """Return what a person would call a function."""
    qualname = fn.__qualname__.replace("<locals>.", "")
    return f"{fn.__module__}.{qualname}" if fn.__module__ else qualname


def remembered(build: Callable[[Reading], bytes]) -> Callable[[Reading], bytes]:
    """Compute a body once for each reading."""
    known: dict[Reading, bytes] = {}

    def body(reading: Reading) -> bytes:
        if reading not in known:
            known[reading] = build(reading)
        return known[reading]

    return body


def counted_decorators(
    reach: Reach, decorators: Sequence[Decorator], space: Namespace
) -> tuple[dict[int, Decorator], bool]:
    """Return the decorators that are code (not assetctl's own) by number, and whether one is a third party's."""
    kept: dict[int, Decorator] = {}
    is_foreign = False
    for number, decorator in enumerate(decorators):
        chain = decorator.chain
        reached = space.reach(Read(chain, decorator.line)) if chain else None
        value = None if reached is None else reached.value
        value = value.func if type(value) is functools.partial else value
        kinds = {reach.origin(module).kind for module in reached.modules} if reached is not None else set()
        kinds.add(PROJECT if value is MISSING else reach.origin(value).kind)
        is_unseen = reached is None or reached.value is MISSING
        if TOOL not in kinds and not (is_unseen and chain[-1:] in (("asset",), ("check",))):
            kept[number] = decorator
        is_foreign = is_foreign or DISTRIBUTION in kinds
    return kept, is_foreign


def _expand_foreign(reach: Reach, node: Node, fn: types.FunctionType) -> None:
    """Name someone else's function; what it wraps or closes over may be first-party."""
    package, name = foreign_name(fn)
    node.write(lambda out: out.tag("foreign").text(package).text(name))
    node.name = f"{package}.{name}"
    dispatch = fn.__dict__.get("registry")
    if dispatch is not None and "dispatch" in fn.__dict__:
        _link_dispatch(reach, node, dispatch)
        return
    is_library = reach.origins.of_module(fn.__module__ or "").kind != PROJECT
    if is_library and "<locals>" not in fn.__qualname__:
        return
    if not is_library:  # its name was copied from the first-party function that it wraps
        code = fn.__code__
        node.write(lambda out: out.tag("foreign wrapper").text(code.co_name))
    if "__wrapped__" in fn.__dict__:
        node.link("__wrapped__", reach.target(wrapped(fn), "", node.where, node.root))
    closure = function_namespace(fn).closure
    for name in sorted(closure):
        root = node.root if closure[name] is wrapped(fn) else None
        node.link(f"closure {name}", reach.target(closure[name], f"{node.name}.{name}", node.where, root))


def _link_dispatch(reach: Reach, node: Node, registry: object) -> None:
    """Link the implementations of `functools.singledispatch`, with the class each is registered for."""
    node.write(lambda out: out.tag("singledispatch"))
    node.is_orderless = True
    for cls, implementation in dict(registry).items():  # type: ignore[call-overload]
        pair = (cls, implementation)
        reach.graph.adopt(pair)
        node.link("implementation", reach.target(pair, "", node.where))


def _write_code(node: Node, fn: types.FunctionType) -> None:
    name = "" if node.root is not None else fn.__name__
    node.write(lambda out: out.tag("code").text(name).raw(code_bytes(fn.__code__)))


def _write_syntax(reach: Reach, node: Node, fn: types.FunctionType, source: FunctionSource) -> None:
    space, file, described = function_namespace(fn), fn.__code__.co_filename, source.described()
    decorators, by_third_party = counted_decorators(reach, described.decorators, space)
    always = Reading.ANNOTATIONS if by_third_party else Reading.NOTHING
    name = "" if node.root is not None else fn.__name__

    def body(reading: Reading) -> bytes:
        out = Framed(FORMAT).tag("function").text(name).raw(source.syntax(reading | always if always else reading))
        out.raw(joined_syntax([source.decorator_syntax(number, reading) for number in decorators]))
        doc = fn.__doc__ if reading & Reading.DOCS else None
        out.none() if type(doc) is not str else out.text(inspect.cleandoc(doc))
        return out.raw_digest()

    node.body = remembered(body)
    reads = described.reads
    reach.link_reads(node, _unconditional(reads) if by_third_party else reads, space, file)
    if decorators:
        reach.link_reads(node, merged([one.reads for one in decorators.values()]), space, file, "@")


def _unconditional(reads: Reads) -> Reads:
    return Reads(tuple(replace(read, is_annotation=False) for read in reads.names), reads.reading)


def _link_values(reach: Reach, node: Node, fn: types.FunctionType) -> None:
    """Link defaults (except those of config) and attributes; a wrapper's wrapped function is still the asset's own."""
    config = node.root.config if node.root is not None else frozenset()
    defaults = fn.__defaults__ or ()
    names = fn.__code__.co_varnames[: fn.__code__.co_argcount]
    pairs = [
        *zip(names[len(names) - len(defaults) :], defaults, strict=True),
        *sorted((fn.__kwdefaults__ or {}).items()),
    ]
    for name, value in pairs:
        if name not in config:
            node.link(f"default {name}", reach.target(value, f"{node.name}({name})", node.where))
    for name in sorted(fn.__dict__):
        root = node.root if name == "__wrapped__" else None
        value = fn.__dict__[name]
        node.link(f"attribute {name}", reach.target(value, f"{node.name}.{name}", node.where, root))
