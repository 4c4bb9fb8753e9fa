"""Tell whether importing a project again can only give what its files say.

A remembered no-op is answered without importing anything, so all that an import computes
must follow from files whose status is remembered. Only what is listed here is trusted to
do so: what is pure, and what looks at files or folders in a way that the recorder sees
(`engine/watching/`), which tells which. A name that is not listed may depend on the clock,
chance, a database or the network, and then the whole comparison is made. A function that is
mentioned counts as called.
"""

from __future__ import annotations

import ast
import builtins
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any, Self

from assetctl.assets.importing import is_personal
from assetctl.engine.watching.touched import SYSTEM

_PURE = """
__future__ abc ast base64 bisect cmath collections contextlib copy csv dataclasses decimal enum fractions functools
hashlib heapq html itertools json keyword math numbers operator re string struct textwrap tomllib typing
typing_extensions unicodedata warnings zlib
"""
_MODULES = frozenset(_PURE.split())  # each function gives the same for the same arguments, or reads an open file
_LISTED = """
assetctl.AssetKey assetctl.CheckResult assetctl.Codec assetctl.Context assetctl.asset assetctl.check assetctl.columns
assetctl.source
datetime.UTC datetime.date datetime.datetime datetime.time datetime.timedelta datetime.timezone
glob.escape glob.glob glob.iglob
importlib.resources.files importlib.util.find_spec
logging.DEBUG logging.ERROR logging.INFO logging.NullHandler logging.WARNING logging.getLogger
numpy.array numpy.e numpy.float32 numpy.float64 numpy.inf numpy.int32 numpy.int64 numpy.nan numpy.pi
os.PathLike os.environ os.fspath os.getenv os.linesep os.listdir os.path.abspath os.path.basename os.path.dirname
os.path.exists os.path.getmtime os.path.getsize os.path.isdir os.path.isfile os.path.join os.path.normpath os.path.sep
os.path.splitext os.sep os.walk
pandas.set_option
pathlib.Path pathlib.PosixPath pathlib.PurePath pathlib.PurePosixPath
sklearn.base.BaseEstimator sklearn.base.ClassifierMixin sklearn.base.RegressorMixin sklearn.base.TransformerMixin
sys.executable sys.path sys.platform sys.version_info
types.MappingProxyType types.SimpleNamespace
"""
_NAMES = frozenset(_LISTED.split())  # the environment, the interpreter and its path are compared on their own
_FUNCTIONS = """
False None NotImplemented True __debug__ __doc__ __file__ __name__ __package__ abs all any ascii bin bool bytearray
bytes callable chr classmethod complex dict divmod enumerate filter float format frozenset hasattr hex int isinstance
issubclass iter len list map max min next oct open ord pow print property range repr reversed round set slice sorted
staticmethod str sum super tuple type zip
"""
_ERRORS = {name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)}
_BUILTINS = _ERRORS.union(_FUNCTIONS.split())
_PLAIN = (str, bytes, bytearray, list, dict, set, frozenset, tuple, int, float, PurePosixPath, re.Pattern, re.Match)
_OTHER_METHODS = """
__init__ __init_subclass__ __new__ addHandler close deleter exists getter glob is_dir is_file isoformat iterdir read
read_bytes read_text readline readlines rglob setLevel setter total_seconds
"""
# Of plain values, and looking at files: what was opened, listed or tested is remembered with its status.
_METHODS = {name for kind in _PLAIN for name in dir(kind) if not name.startswith("_")}.union(_OTHER_METHODS.split())
# Of the listed types, what asks the clock or the disk: no method of ours that has such a name vouches for it.
_ASKING = {name for kind in (Path, datetime) for name in dir(kind)} - _METHODS
_OF_THIS_FILE = frozenset({"Path(__file__).resolve", "pathlib.Path(__file__).resolve"})


def follows_from_files(texts: Mapping[str, str]) -> bool:
    """Say whether importing these first-party modules, given as texts by file, gives only what files say."""
    try:
        _Imports([_Module.of(file, ast.parse(text)) for file, text in texts.items()]).require_pure()
    except _Impure:
        return False
    return True


class _Impure(Exception):
    """Something that is not known to be pure is executed by an import."""


@dataclass(frozen=True, slots=True)
class _Module:
    """What the names of a module mean. `foreign` maps a name to what is imported as it, `own` to a first-party name."""

    tree: ast.Module
    names: frozenset[str]  # by which other modules may know this one
    foreign: dict[str, str] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)
    defined: dict[str, list[ast.AST]] = field(default_factory=lambda: defaultdict(list))
    values: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, file: str, tree: ast.Module) -> Self:
        path = PurePosixPath(file)
        module = cls(tree, frozenset([path.stem, path.parent.name]))
        for node in ast.walk(tree):
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    module.defined[name].append(node)
                case ast.Import(names=aliases):
                    for alias in aliases:
                        top = alias.name.partition(".")[0]
                        bound, meant = (alias.asname, alias.name) if alias.asname else (top, top)
                        known = module.own if _is_own(alias.name) else module.foreign
                        known[bound] = meant.rpartition(".")[2] if known is module.own else meant
                case ast.ImportFrom(names=aliases, module=home, level=level):
                    for alias in aliases:
                        if level or _is_own(home or ""):
                            module.own[alias.asname or alias.name] = alias.name
                        else:
                            module.foreign[alias.asname or alias.name] = f"{home}.{alias.name}"
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    module.values.add(name)
                case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                    module.values.add(name)
        return module


class _Imports(ast.NodeVisitor):
    """Visits what the modules execute when they are imported, and every function that is mentioned there."""

    def __init__(self, modules: Sequence[_Module]) -> None:
        self._modules = modules
        self._module: _Module  # whose names are meant
        self._is_inside = False  # of a function that may be called
        self._waiting: list[tuple[_Module, ast.AST]] = []
        self._mentioned: set[str] = set()
        self._foreign = {name for module in modules for name in module.foreign}
        self._plain = {name for module in modules for name in module.values | module.names}

    def require_pure(self) -> None:
        """Visit what is executed.

        Raises:
            _Impure: at the first thing that is not known to be pure.
        """
        for module in self._modules:
            self._module = module
            self.visit(module.tree)
        self._is_inside = True
        while self._waiting:
            self._module, node = self._waiting.pop()
            self.visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._mention(node.id)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Refuse a path of the system: the status of such a file does not show whether it is the same."""
        if isinstance(node.value, str | bytes) and os.fsdecode(node.value).startswith(SYSTEM):
            raise _Impure

    def visit_Attribute(self, node: ast.Attribute) -> None:
        *attributes, base = _chain(node)
        if isinstance(base, ast.Name) and base.id in self._module.foreign:
            _require_listed(".".join([self._module.foreign[base.id], *reversed(attributes)]))
            return
        if isinstance(base, ast.Name) and base.id in self._module.own and self._foreign.intersection(attributes):
            raise _Impure  # what another module of ours imported
        for attribute in attributes:
            self._may_call(attribute)
        self.visit(base)

    def visit_Call(self, node: ast.Call) -> None:
        self._call(node.func)
        if isinstance(node.func, ast.Name) and node.func.id == "open" and _is_number(node.args[:1]):
            raise _Impure  # an open descriptor: nobody knows which file
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        if self._is_declaration(node.func):  # it keeps the functions that it is given for later
            arguments = [a for a in arguments if not isinstance(a, ast.Name | ast.Lambda)]
        self._visit_all(arguments)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._define(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._define(node)

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._decorate(node)
        self.visit(node.args)
        self._annotate(node.returns)
        if self._is_inside:
            self._visit_all(node.body)

    def visit_arg(self, node: ast.arg) -> None:
        self._annotate(node.annotation)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._decorate(node)
        self._visit_all([*node.bases, *(keyword.value for keyword in node.keywords), *node.body])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._annotate(node.annotation)
        self._visit_all([node.target] if node.value is None else [node.target, node.value])

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test).replace('"', "'") == "__name__ == '__main__'":
            self._visit_all(node.orelse)
        else:
            self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Refuse an unlisted imported value: unlike a function, it was computed by a module that is not looked at."""
        if any(alias.name == "*" for alias in node.names):
            raise _Impure
        for alias in node.names:
            dotted = self._module.foreign.get(alias.asname or alias.name)
            value = getattr(sys.modules.get(node.module or ""), alias.name, None) if dotted is not None else None
            if value is not None and not callable(value) and not isinstance(value, ModuleType):
                _require_listed(dotted or "")

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def _annotate(self, annotation: ast.expr | None) -> None:
        """An annotation names types; only what it calls counts."""
        if annotation is not None:
            self._visit_all(node for node in ast.walk(annotation) if isinstance(node, ast.Call))

    def _decorate(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call):
                self.visit(decorator)
            else:
                self._call(decorator)

    def _call(self, function: ast.expr) -> None:
        match function:
            case ast.Name(id=name):
                self._mention(name, is_called=True)
            case ast.Attribute(value=value, attr=method):
                if ast.unparse(function) in _OF_THIS_FILE:
                    self.visit(value)
                    return
                self.visit(function)
                base = _chain(function)[-1]
                is_foreign = isinstance(base, ast.Name) and base.id in self._module.foreign
                is_known = method in _METHODS or (method in self._mentioned and method not in _ASKING)
                if not (is_foreign or is_known):
                    raise _Impure
            case _:
                raise _Impure

    def _is_declaration(self, function: ast.expr) -> bool:
        base = _chain(function)[-1]
        return isinstance(base, ast.Name) and self._module.foreign.get(base.id, "").partition(".")[0] == "assetctl"

    def _mention(self, name: str, *, is_called: bool = False) -> None:
        module = self._module
        if name in module.foreign:
            _require_listed(module.foreign[name])
        elif name in module.own:
            meant = module.own[name]
            if meant in self._foreign or not (self._may_call(meant) or (meant in self._plain and not is_called)):
                raise _Impure
        elif not self._may_call(name) and (is_called or name not in module.values) and name not in _BUILTINS:
            raise _Impure

    def _may_call(self, name: str) -> bool:
        """Say whether any function or class of ours has this name; its body counts as executed."""
        definitions = [(module, node) for module in self._modules for node in module.defined.get(name, ())]
        if definitions and name not in self._mentioned:
            self._mentioned.add(name)
            self._waiting.extend(definitions)
        return bool(definitions)


def _is_number(arguments: Sequence[ast.expr]) -> bool:
    return any(isinstance(argument, ast.Constant) and isinstance(argument.value, int) for argument in arguments)


def _chain(node: ast.expr) -> list[Any]:
    """Return the attributes of `base.b.a`, last first, and the expression they begin at."""
    attributes: list[Any] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return [*attributes, node]


def _require_listed(dotted: str) -> None:
    """Refuse a name of an imported module that is not known to be pure, like the `os` of another module."""
    parts = dotted.split(".")
    for n in range(len(parts), 0, -1):
        if ".".join(parts[:n]) in _NAMES:
            if parts[0] == "assetctl" or _METHODS.issuperset(parts[n:]):
                return
            raise _Impure
    value: object = sys.modules.get(parts[0])
    if parts[0] not in _MODULES:
        raise _Impure
    for part in parts[1:]:
        value = getattr(value, part, None)
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] not in _MODULES:
            raise _Impure


def _is_own(module: str) -> bool:
    file = getattr(sys.modules.get(module), "__file__", None)
    return isinstance(file, str) and is_personal(file)
