"""Expand a class: bases, metaclass, live attributes; its syntax where annotations create fields.

Attributes are taken as they are after import, so that patches, generated methods and
inherited machinery need no knowledge of who made them. Generated methods (no file of
their own, not named in the class body) follow from the fields and are left out.
"""

from __future__ import annotations

import abc
import ast
import enum
import functools
import inspect
import types
from collections.abc import Iterable, Iterator
from typing import cast

from assetctl.lineage.facts.kinds import SymbolKind
from assetctl.lineage.identity.code.functions import counted_decorators, remembered
from assetctl.lineage.identity.code.links import Reach
from assetctl.lineage.identity.code.lookup import Namespace
from assetctl.lineage.identity.code.origins import (
    DISTRIBUTION,
    PROJECT,
    class_attributes,
    class_bases,
    class_module,
    class_name,
    foreign_name,
    is_any,
    module_file,
)
from assetctl.lineage.identity.code.sources import ClassSource
from assetctl.lineage.identity.code.symbols import FORMAT, Node
from assetctl.lineage.identity.code.syntax import Reading, joined_syntax, nodes_syntax
from assetctl.lineage.identity.code.texts import counted_keywords, field_statements, merged
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.walk import mro

_MACHINERY = frozenset({"_abc_impl", "_is_protocol", "_is_runtime_protocol", "_fields_defaults"})
_DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType, types.WrapperDescriptorType)
_FIELDS_WITHOUT_SYNTAX = frozenset(
    {"__dataclass_fields__", "__annotations__", "__pydantic_fields__", "__attrs_attrs__", "model_config"}
)
_NAMED_TUPLE = frozenset({"_fields", "_field_defaults"})


def expand_class(reach: Reach, node: Node) -> None:
    """Fill in the node of a class."""
    cls = cast(type, node.subject)
    if reach.note_origin(node, cls).kind != PROJECT:
        package, name = foreign_name(cls)
        node.name = f"{package}.{name}"
        node.write(lambda out: out.tag("foreign").text(package).text(name))
        _link_subclasses(reach, node, cls)
        return
    node.kind, node.name = SymbolKind.CLASS, f"{class_module(cls)}.{class_name(cls)}".replace("<locals>.", "")
    node.source = lambda: f"<class {class_name(cls)}>"
    node.findings.modules.append(class_module(cls))
    source = class_syntax(reach, cls)
    if source is not None:
        node.where = reach.place(source.file.name, source.place.first)
        node.source = source.text
    for index, base in enumerate(class_bases(cls)):
        if base is not object:
            node.link(f"base {index}", reach.target(base, "", node.where))
    if type(cls) is not type:
        node.link("metaclass", reach.target(type(cls), "", node.where))
    _write_statements(reach, node, cls, source)
    if any(base is enum.Enum for base in mro(cls)):
        _link_members(reach, node, cls)
    for name, value in _attributes(reach, cls, source):
        node.link(f"attribute {name}", reach.target(value, f"{node.name}.{name}", node.where))
    for index, registered in enumerate(_registered(cls)):
        node.link(f"registered {index}", reach.target(registered, "", node.where))
    _link_subclasses(reach, node, cls)


def _link_subclasses(reach: Reach, node: Node, cls: type) -> None:
    """Link the nearest first-party subclasses, in the order of their making, for code that scans subclasses."""
    if cls is object:
        return
    seen: set[int] = set()
    waiting: list[type] = type.__subclasses__(cls)
    while waiting:
        subclass = waiting.pop(0)
        if id(subclass) in seen:
            continue
        seen.add(id(subclass))
        if reach.origin(subclass).kind != PROJECT:
            waiting.extend(type.__subclasses__(subclass))
        elif _is_current(subclass):
            target = reach.target(subclass, "", node.where)
            node.link(f"subclass {len(node.edges)}", target, only=Reading.SUBCLASSES)


def _registered(cls: type) -> list[type]:
    """Return the classes that are registered with an abstract class, or with one that derives from it, by name.

    They are instances to `isinstance`, and no attribute shows it.
    """
    registered: dict[int, type] = {}
    seen: set[int] = set()
    waiting = [cls] if is_any(cls, abc.ABCMeta) else []
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if is_any(one, abc.ABCMeta):
            held = [reference() for reference in abc._get_dump(one)[0]]  # type: ignore[attr-defined]
            registered.update({id(known): known for known in held if known is not None and _is_current(known)})
        waiting.extend(type.__subclasses__(one))
    return sorted(registered.values(), key=lambda known: (class_name(known), class_module(known)))


def _is_current(cls: type) -> bool:
    """Say whether a class is of a module as it is loaded now, and not of one that was imported anew since."""
    import sys

    module = sys.modules.get(class_module(cls))
    if module is None or "<locals>" in class_name(cls):
        return module is not None
    held: object = module
    for name in class_name(cls).split("."):
        held = dict(class_attributes(held)).get(name) if isinstance(held, type) else vars(held).get(name)
        if held is None:
            return True  # taken out of its module: it may live on elsewhere
    return held is cls


def class_syntax(reach: Reach, cls: type) -> ClassSource | None:
    """Return the class statement that a live class came from, or None if that cannot be proved."""
    methods = [fn for fn in own_functions(cls) if fn.__qualname__.startswith(class_name(cls) + ".")]
    name = module_file(class_module(cls)) or next((fn.__code__.co_filename for fn in methods), "")
    file = reach.sources.file(name) if name else None
    candidates = [] if file is None else file.classes(class_name(cls))
    methods = [fn for fn in methods if fn.__code__.co_filename == name]
    if any(reach.sources.function(fn.__code__) is None for fn in methods):
        return None
    line = dict(class_attributes(cls)).get("__firstlineno__")
    for source in reversed(candidates):
        start, end = source.place.first, source.place.last
        if type(line) is int and line != start:
            continue
        if all(start <= fn.__code__.co_firstlineno <= end for fn in methods):
            return source if methods or _is_trusted(reach, class_module(cls), name) else None
    return None


def own_functions(cls: type) -> Iterator[types.FunctionType]:
    """Yield the Python functions among a class's own attributes, out of their descriptors."""
    for _, value in class_attributes(cls):
        for part in descriptor_parts(value):
            if type(part) is types.FunctionType:
                yield part


def descriptor_parts(value: object) -> tuple[object, ...]:
    """Return what a built-in descriptor wraps, or the value itself."""
    if type(value) is staticmethod or type(value) is classmethod:
        return (value.__func__,)
    if type(value) is property:
        return (value.fget, value.fset, value.fdel)
    if type(value) is functools.cached_property:
        return (value.func,)
    return (value,)


def _is_trusted(reach: Reach, module: str, file: str) -> bool:
    """Say whether every function of a module still matches the module's file."""
    import sys

    names = dict(vars(sys.modules[module])) if module in sys.modules else {}
    codes = [v.__code__ for v in names.values() if type(v) is types.FunctionType]
    return all(reach.sources.function(code) is not None for code in codes if code.co_filename == file)


def _creates_fields(reach: Reach, cls: type, by_third_party: bool) -> bool:
    own = dict(class_attributes(cls))
    if "__dataclass_fields__" in own or "_fields" in own or by_third_party:
        return True
    makers = [*mro(cls)[1:], *mro(type(cls))]
    return any(reach.origin(maker).kind == DISTRIBUTION for maker in makers)


def _write_statements(reach: Reach, node: Node, cls: type, source: ClassSource | None) -> None:
    """Write the class statement: decorators and keywords, and the body where it creates fields."""
    space = _namespace(cls)
    described = None if source is None else source.described()
    decorators, by_third_party = counted_decorators(reach, described.decorators if described else (), space)
    creates = described is not None and _creates_fields(reach, cls, by_third_party)

    def body(reading: Reading) -> bytes:
        out = Framed(FORMAT).tag("class").text(class_name(cls).rpartition(".")[2])
        for part in _parts(source, decorators, creates, reading):
            out.raw(part)
        doc = dict(class_attributes(cls)).get("__doc__") if reading & Reading.DOCS else None
        out.none() if type(doc) is not str else out.text(inspect.cleandoc(doc))
        return out.raw_digest()

    node.body = remembered(body)
    if source is not None and described is not None:
        name = source.file.name
        reach.link_reads(node, merged([one.reads for one in decorators.values()]), space, name, "@")
        reach.link_reads(node, described.keywords.reads, space, name, "keyword ")
        if creates:
            reach.link_reads(node, described.fields.reads, space, name, "body ")


def _parts(source: ClassSource | None, decorators: Iterable[int], creates: bool, reading: Reading) -> list[bytes]:
    """Return decorators, keywords, the statements that make fields, and annotations if only they are read."""
    if source is None:
        return [nodes_syntax([], reading)] * 4
    written = joined_syntax([source.decorator_syntax(number, reading) for number in decorators])
    if not reading:
        described = source.described()
        nothing = joined_syntax([])
        return [written, described.keywords.syntax, described.fields.syntax if creates else nothing, nothing]
    statement = source.node()
    fields = field_statements(statement) if creates else []
    hints = [s for s in statement.body if isinstance(s, ast.AnnAssign)]
    hints = hints if not creates and reading & Reading.ANNOTATIONS else []
    return [written, *(nodes_syntax(part, reading) for part in (counted_keywords(statement), fields, hints))]


def _namespace(cls: type) -> Namespace:
    import sys

    module = sys.modules.get(class_module(cls))
    names = {} if module is None else vars(module)
    return Namespace(names, {})


def _link_members(reach: Reach, node: Node, cls: type) -> None:
    """Link the members of an enumeration, aliases included, in order."""
    members: dict[str, object] = dict(class_attributes(cls)).get("_member_map_", {})  # type: ignore[assignment]
    for index, (name, member) in enumerate(members.items()):
        value = object.__getattribute__(member, "__dict__").get("_value_")
        node.link(f"member {index} {name}", reach.target(value, f"{node.name}.{name}", node.where))


def _attributes(reach: Reach, cls: type, source: ClassSource | None) -> Iterator[tuple[str, object]]:
    """Yield the attributes that count, sorted by name."""
    described = None if source is None else source.described()
    bound = None if described is None else described.bindings
    defined = frozenset[str]() if described is None else described.definitions
    own = dict(class_attributes(cls))
    is_enum = "_member_map_" in own
    makes_fields = bound is not None and _creates_fields(reach, cls, by_third_party=False)
    members = own.get("_member_map_", {})
    for name in sorted(own):
        value = own[name]
        is_bound = bound is not None and name in bound
        if name in _MACHINERY or is_any(value, *_DESCRIPTORS) or (is_enum and name in members):  # type: ignore[operator]
            continue
        if bound is None and name in _FIELDS_WITHOUT_SYNTAX:
            yield name, value
            continue
        by_library = is_enum or makes_fields or (bound is None and ("__dataclass_fields__" in own or "_fields" in own))
        if not is_bound and _is_machinery(reach, name, value, by_library, bound is not None):
            continue
        if makes_fields and is_bound and name not in defined and reach.origin(value).kind == DISTRIBUTION:
            continue  # made by the class body, which is written as syntax
        yield name, value


def _is_machinery(reach: Reach, name: str, value: object, is_managed: bool, has_syntax: bool) -> bool:
    """Say whether an attribute that the class body does not bind was put there by Python or a library."""
    functions = [part for part in descriptor_parts(value) if type(part) is types.FunctionType]
    if functions:
        if not has_syntax and not (is_managed and name.startswith("__")):
            return all(reach.origin(fn).kind != PROJECT for fn in functions)
        return all(_is_generated(reach, fn) for fn in functions)
    if name in _NAMED_TUPLE:
        return False
    if name.startswith("__") and name.endswith("__"):
        return name != "__slots__"
    return is_managed and name.startswith("_")


def _is_generated(reach: Reach, fn: types.FunctionType) -> bool:
    return fn.__code__.co_filename.startswith("<") or reach.origin(fn).kind != PROJECT
