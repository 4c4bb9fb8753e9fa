"""Find which names from outside a function or class body its syntax reads, and how.

Scoping is Python's: parameters, assignments, imports, comprehensions, class bodies,
`global`, `nonlocal`, walrus and match captures. A name that is bound inside is not
reported; one bound by an import inside is reported as a read of what it imports.
Nothing is looked up here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from assetctl.lineage.identity.code.reads import Import, Key, Read, Reads
from assetctl.lineage.identity.code.syntax import FunctionNode, Reading

_NAMESPACES_OF_CODE = frozenset({"__globals__", "f_globals", "f_locals"})
_DOC_NAMES = frozenset({"__doc__"})
_ANNOTATION_NAMES = frozenset({"__annotations__", "__signature__", "__annotate__"})
_IMPORTERS = frozenset({"import_module", "__import__"})
_NAMESPACES = frozenset({"globals", "locals", "vars"})
_Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


class _Scope:
    __slots__ = ("bindings", "bound", "global_names", "imports", "kind", "nonlocal_names", "parent", "texts")

    def __init__(self, kind: str, parent: _Scope | None) -> None:
        self.kind = kind  # "function", "class" or "comprehension"
        self.parent = parent
        self.bound: set[str] = set()
        self.bindings: dict[str, int] = {}  # how often each is bound
        self.texts: dict[str, object] = {}  # names that an assignment gives a constant
        self.imports: dict[str, list[Import]] = {}
        self.global_names: set[str] = set()
        self.nonlocal_names: set[str] = set()


def function_reads(node: FunctionNode, class_name: str = "") -> Reads:
    """Return what a function's body and annotations read; its decorators and defaults are not part of it."""
    finder = _Finder(class_name)
    scope = _Scope("function", None)
    finder.enter_function(node, scope, outer=None)
    return finder.result()


def expression_reads(nodes: Sequence[ast.AST], class_name: str = "") -> Reads:
    """Return what statements or expressions read, as they would in a class body of their own."""
    finder = _Finder(class_name)
    scope = _Scope("class", None)
    finder.push(nodes, scope)
    return finder.result()


def statement_reads(nodes: Sequence[ast.stmt]) -> Reads:
    """Return what a module's statements read that they do not bind themselves."""
    finder = _Finder("")
    finder.push(nodes, _Scope("function", None))
    return finder.result()


def class_bindings(node: ast.ClassDef) -> frozenset[str]:
    """Return the names that a class body binds."""
    finder = _Finder(node.name)
    scope = _Scope("class", None)
    finder.push(node.body, scope)
    finder.result()
    return frozenset(scope.bound)


def chain_of(node: ast.AST | None) -> tuple[str, ...]:
    """Return the dotted names of `a.b.c`, or () for any other expression."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else ()


class _Finder:
    """Two passes: collect bindings and loads per scope, then sort out which loads look outside."""

    def __init__(self, class_name: str) -> None:
        self._class_name = class_name
        self._work: list[tuple[ast.AST, _Scope, bool]] = []
        self._loads: list[tuple[Read, _Scope, str]] = []
        self._reading = Reading.NOTHING

    def push(self, nodes: Iterable[ast.AST | None], scope: _Scope, annotation: bool = False) -> None:
        self._work.extend((node, scope, annotation) for node in nodes if node is not None)

    def result(self) -> Reads:
        while self._work:
            node, scope, annotation = self._work.pop()
            visit = _VISITS.get(type(node))
            if visit is None:
                self.push(ast.iter_child_nodes(node), scope, annotation)
            else:
                visit(self, node, scope, annotation)
        reads: dict[Read, None] = {}
        for read, scope, guard in self._loads:
            for outside in self._outside(read, scope, guard):
                reads[outside] = None
        return Reads(tuple(reads), self._reading)

    def enter_function(self, node: FunctionNode, scope: _Scope, outer: _Scope | None) -> None:
        """Bind parameters and queue the body in `scope`, and defaults (unless a symbol's own) in `outer`."""
        args = node.args
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
        where = outer or scope
        for arg in every:
            if arg is not None:
                self._bind(arg.arg, scope)
                self.push([arg.annotation], where, annotation=True)
        if outer is not None:
            self.push([*args.defaults, *args.kw_defaults], outer)
        if isinstance(node, ast.Lambda):
            self.push([node.body], scope)
            return
        self._type_params(node, scope)
        self.push([node.returns], where, annotation=True)
        self.push(node.body, scope)

    # --- resolution -------------------------------------------------------------------

    def _outside(self, read: Read, scope: _Scope, guard: str) -> Iterable[Read]:
        if guard and self._lookup(guard, scope) is not None:
            read = replace(read, use="value", key=None)
        if read.key is not None and read.key.chain and self._lookup(read.key.chain[0], scope) is not None:
            text = self._text_of(read.key.chain, scope) if read.chain[-1] in _IMPORTERS else None
            read = replace(read, key=None if text is None else Key(text))
        if read.imported is not None:
            yield read
            return
        imports = self._lookup(read.chain[0], scope)
        if imports is None:
            yield read
            return
        for imported in imports:
            yield replace(read, imported=imported)

    def _lookup(self, name: str, scope: _Scope) -> list[Import] | None:
        """Return the imports that bind a name inside ([] if bound otherwise), or None if it is from outside."""
        current: _Scope | None = scope
        while current is not None:
            if name in current.global_names:
                return None
            if current.kind == "class":
                if current is scope and current.imports.get(name):
                    return current.imports[name]
            elif name in current.bound and name not in current.nonlocal_names:
                return current.imports.get(name, [])
            current = current.parent
        return None

    def _text_of(self, chain: tuple[str, ...], scope: _Scope) -> str | None:
        """Return the text of a name that its own function binds once, and to a constant; None for any other."""
        name = chain[0]
        is_constant = len(chain) == 1 and scope.kind == "function" and scope.bindings.get(name) == 1
        text = scope.texts.get(name) if is_constant else None
        return text if isinstance(text, str) else None

    def _mangled(self, name: str) -> str:
        if self._class_name and name.startswith("__") and not name.endswith("__"):
            bare = self._class_name.lstrip("_")
            return f"_{bare}{name}" if bare else name
        return name

    # --- loads ------------------------------------------------------------------------

    def _load(self, chain: tuple[str, ...], node: ast.AST, scope: _Scope, guard: str = "", **details: object) -> None:
        self._note_attributes(chain[1:])
        self._note_namespaces(chain[1:], node, scope)
        chain = (self._mangled(chain[0]), *chain[1:])
        read = Read(chain, getattr(node, "lineno", 0), **details)  # type: ignore[arg-type]
        self._loads.append((read, scope, guard))

    def _note_attributes(self, names: Iterable[object]) -> None:
        for name in names:
            if name in _DOC_NAMES:
                self._reading |= Reading.DOCS
            elif name in _ANNOTATION_NAMES:
                self._reading |= Reading.ANNOTATIONS
            elif name == "__subclasses__":
                self._reading |= Reading.SUBCLASSES

    def _note_namespaces(self, names: Iterable[str], node: ast.AST, scope: _Scope) -> None:
        """Take the names of a function or a frame for what they are: `globals()`, handed around."""
        if not _NAMESPACES_OF_CODE.isdisjoint(names):
            self._loads.append((Read(("globals",), getattr(node, "lineno", 0)), scope, ""))

    def _bind(self, name: str, scope: _Scope) -> None:
        bound = self._mangled(name)
        scope.bound.add(bound)
        scope.bindings[bound] = scope.bindings.get(bound, 0) + 1

    def assign(self, node: ast.Assign, scope: _Scope, annotation: bool) -> None:
        target, value = node.targets[0], node.value
        if len(node.targets) == 1 and isinstance(target, ast.Name) and isinstance(value, ast.Constant):
            scope.texts[self._mangled(target.id)] = value.value
        self.push(ast.iter_child_nodes(node), scope, annotation)

    def name(self, node: ast.Name, scope: _Scope, annotation: bool) -> None:
        if isinstance(node.ctx, ast.Load):
            self._load((node.id,), node, scope, is_annotation=annotation)
        else:
            self._bind(node.id, scope)

    def attribute(self, node: ast.Attribute, scope: _Scope, annotation: bool) -> None:
        chain = chain_of(node)
        if chain:
            self._load(chain, node, scope, is_annotation=annotation)
            return
        names: list[str] = []
        base: ast.expr = node
        while isinstance(base, ast.Attribute):
            names.append(base.attr)
            base = base.value
        self._note_attributes(names)
        self._note_namespaces(names, node, scope)
        if isinstance(base, ast.Call):
            self._call(base, scope, annotation, tuple(reversed(names)))
        else:
            self.push([base], scope, annotation)

    def call(self, node: ast.Call, scope: _Scope, annotation: bool) -> None:
        self._call(node, scope, annotation, ())

    def _call(self, node: ast.Call, scope: _Scope, annotation: bool, after: tuple[str, ...]) -> None:
        arguments: list[ast.expr] = [*node.args, *(k.value for k in node.keywords)]
        first = node.args[0] if node.args else None
        chain = chain_of(node.func)
        space = _namespace_call(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if space:
            self._load((space,), node, scope, use="namespace", key=_key(first) if node.func.attr == "get" else None)  # type: ignore[attr-defined]
        elif chain:
            self._load(chain, node, scope, use="call", key=_key(first), after=after, is_annotation=annotation)
        else:
            self.push([node.func], scope, annotation)
        owner = chain_of(first)
        if chain in (("getattr",), ("hasattr",)) and owner and len(node.args) > 1:
            self._load(owner, node, scope, guard=chain[0], use="getattr", key=_key(node.args[1]))
            arguments = arguments[1:]
        self.push(arguments, scope, annotation)

    def subscript(self, node: ast.Subscript, scope: _Scope, annotation: bool) -> None:
        chain = chain_of(node.value)
        space = _namespace_call(node.value)
        if space:
            self._load((space,), node, scope, use="namespace", key=_key(node.slice))
        elif chain:
            self._load(chain, node, scope, use="item", key=_key(node.slice), is_annotation=annotation)
        else:
            self.push([node.value], scope, annotation)
        self.push([node.slice], scope, annotation)

    def compare(self, node: ast.Compare, scope: _Scope, annotation: bool) -> None:
        right = node.comparators[0]
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn) and chain_of(right):
            self._load(chain_of(right), node, scope, use="member", key=_key(node.left))
            self.push([node.left], scope, annotation)
        else:
            self.push([node.left, *node.comparators], scope, annotation)

    def constant(self, node: ast.Constant, scope: _Scope, annotation: bool) -> None:
        if not isinstance(node.value, str):
            return
        self._note_attributes([node.value])
        if annotation:
            try:
                parsed = ast.parse(node.value, mode="eval")
            except (SyntaxError, ValueError):
                return
            self.push([parsed.body], scope, annotation)

    # --- scopes and bindings ----------------------------------------------------------

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: _Scope, annotation: bool) -> None:
        self._bind(node.name, scope)
        self.push(node.decorator_list, scope)
        self.enter_function(node, _Scope("function", scope), outer=scope)

    def lambda_(self, node: ast.Lambda, scope: _Scope, annotation: bool) -> None:
        self.enter_function(node, _Scope("function", scope), outer=scope)

    def class_(self, node: ast.ClassDef, scope: _Scope, annotation: bool) -> None:
        self._bind(node.name, scope)
        holder = _Scope("function", scope)
        self._type_params(node, holder)
        self.push([*node.bases, *(k.value for k in node.keywords)], holder)
        self.push(node.decorator_list, scope)
        inner = _Scope("class", holder)
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign):
                self._work.append((statement.annotation, inner, False))
                self.push([statement.target, statement.value], inner)
            else:
                self.push([statement], inner)

    def _type_params(self, node: ast.AST, scope: _Scope) -> None:
        for parameter in getattr(node, "type_params", ()):
            scope.bound.add(parameter.name)
            self.push(ast.iter_child_nodes(parameter), scope, annotation=True)

    def comprehension(self, node: _Comprehension, scope: _Scope, annotation: bool) -> None:
        inner = _Scope("comprehension", scope)
        self.push([node.generators[0].iter], scope)
        for index, generator in enumerate(node.generators):
            self.push([generator.target, *generator.ifs], inner)
            if index:
                self.push([generator.iter], inner)
        self.push([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt], inner)

    def walrus(self, node: ast.NamedExpr, scope: _Scope, annotation: bool) -> None:
        holder = scope
        while holder.kind == "comprehension" and holder.parent is not None:
            holder = holder.parent
        self._bind(node.target.id, holder)
        self.push([node.value], scope, annotation)

    def augmented(self, node: ast.AugAssign, scope: _Scope, annotation: bool) -> None:
        """Read and bind the target of `x += 1`."""
        if isinstance(node.target, ast.Name):
            self._load((node.target.id,), node, scope)
        self.push([node.target, node.value], scope)

    def annotated(self, node: ast.AnnAssign, scope: _Scope, annotation: bool) -> None:
        self.push([node.target, node.value], scope)
        self.push([node.annotation], scope, annotation=scope.kind != "class")

    def import_(self, node: ast.Import, scope: _Scope, annotation: bool) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            self._import(bound, Import(alias.name if alias.asname else bound), node, scope)
            if not alias.asname and alias.name != bound:
                self._loads.append((Read((bound,), node.lineno, "import", imported=Import(alias.name)), scope, ""))

    def import_from(self, node: ast.ImportFrom, scope: _Scope, annotation: bool) -> None:
        for alias in node.names:
            imported = Import(node.module or "", alias.name, node.level)
            self._import(alias.asname or alias.name, imported, node, scope)

    def _import(self, bound: str, imported: Import, node: ast.stmt, scope: _Scope) -> None:
        self._bind(bound, scope)
        scope.imports.setdefault(self._mangled(bound), []).append(imported)
        self._loads.append((Read((bound,), node.lineno, "import", imported=imported), scope, ""))

    def global_(self, node: ast.Global, scope: _Scope, annotation: bool) -> None:
        scope.global_names.update(map(self._mangled, node.names))

    def nonlocal_(self, node: ast.Nonlocal, scope: _Scope, annotation: bool) -> None:
        scope.nonlocal_names.update(map(self._mangled, node.names))
        while scope.parent is not None:
            scope = scope.parent
            scope.bindings.update(dict.fromkeys(map(self._mangled, node.names), 2))  # more than once

    def binder(self, node: ast.AST, scope: _Scope, annotation: bool) -> None:
        """Bind the name of an exception handler or a match capture."""
        name = getattr(node, "name", None) or getattr(node, "rest", None)
        if name is not None:
            self._bind(name, scope)
        self.push(ast.iter_child_nodes(node), scope)


def _key(node: ast.AST | None) -> Key | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return Key(node.value)
    chain = chain_of(node)
    return Key(chain=chain) if chain else None


def _namespace_call(node: ast.AST) -> str:
    """Return "globals", "locals" or "vars" for a call of it without arguments, else ""."""
    if isinstance(node, ast.Call) and not node.args and not node.keywords and isinstance(node.func, ast.Name):
        return node.func.id if node.func.id in _NAMESPACES else ""
    return ""


_VISITS: dict[type, Callable[..., None]] = {
    ast.Name: _Finder.name,
    ast.Attribute: _Finder.attribute,
    ast.Call: _Finder.call,
    ast.Subscript: _Finder.subscript,
    ast.Compare: _Finder.compare,
    ast.Constant: _Finder.constant,
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef), _Finder.function),
    ast.Lambda: _Finder.lambda_,
    ast.ClassDef: _Finder.class_,
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp), _Finder.comprehension),
    ast.NamedExpr: _Finder.walrus,
    ast.AnnAssign: _Finder.annotated,
    ast.Assign: _Finder.assign,
    ast.AugAssign: _Finder.augmented,
    ast.Import: _Finder.import_,
    ast.ImportFrom: _Finder.import_from,
    ast.Global: _Finder.global_,
    ast.Nonlocal: _Finder.nonlocal_,
    **dict.fromkeys((ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping), _Finder.binder),
}
