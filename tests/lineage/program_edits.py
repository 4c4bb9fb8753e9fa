"""Random edits of random programs: those that may change what a program does, and those that cannot."""

from __future__ import annotations

import ast
import io
import random
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from tests.lineage.programs import Item, Module, Program

Files = dict[str, str]
_Change = Callable[[], object]

_OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Mod: ast.Sub,
    ast.FloorDiv: ast.Mod,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.NotEq: ast.Eq,
    ast.Eq: ast.NotEq,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Not: ast.USub,
    ast.USub: ast.UAdd,
}


# --- edits that may change behaviour -------------------------------------------------------


def mutated(choose: random.Random, files: Files) -> Files:
    """Return the program with one node of one module changed; it may do the same as before, or fail."""
    name = choose.choice(sorted(files))
    tree = ast.parse(files[name])
    changes = list(_changes(tree))
    choose.choice(changes)()
    return {**files, name: ast.unparse(ast.fix_missing_locations(tree)) + "\n"}


def _changes(tree: ast.Module) -> Iterator[_Change]:
    """Yield every change of a node, each as a call that makes it."""
    names = sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)})
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            yield from _constant_changes(node)
        elif isinstance(node, ast.BinOp | ast.BoolOp | ast.UnaryOp | ast.AugAssign):
            if type(node.op) in _OPERATORS:
                yield partial(setattr, node, "op", _OPERATORS[type(node.op)]())
        elif isinstance(node, ast.Compare):
            yield partial(setattr, node, "ops", [_OPERATORS[type(node.ops[0])](), *node.ops[1:]])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            other = names[(names.index(node.id) + 1) % len(names)]
            yield partial(setattr, node, "id", other)
        elif isinstance(node, ast.Call):
            yield from _call_changes(node)
        elif isinstance(node, ast.IfExp | ast.If):
            yield partial(setattr, node, "test", ast.UnaryOp(ast.Not(), node.test))
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from _definition_changes(node)
        elif isinstance(node, ast.Dict) and len(node.keys) > 1:
            yield node.values.reverse
        elif isinstance(node, ast.Tuple | ast.List) and isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
            yield node.elts.reverse


def _constant_changes(node: ast.Constant) -> Iterator[_Change]:
    value = node.value
    if isinstance(value, int | float):
        yield partial(setattr, node, "value", value + 1)
        yield partial(setattr, node, "value", float(value))
        if value in (0, 1):
            yield partial(setattr, node, "value", bool(value))
    elif isinstance(value, str):
        yield partial(setattr, node, "value", value + "1")


def _call_changes(node: ast.Call) -> Iterator[_Change]:
    if len(node.args) > 1:
        yield node.args.reverse
        yield node.args.pop
    if node.keywords:
        yield node.keywords.pop
        yield partial(setattr, node.keywords[0], "arg", "b")


def _definition_changes(node: ast.FunctionDef | ast.ClassDef) -> Iterator[_Change]:
    if len(node.body) > 1:
        yield partial(node.body.pop, 0)
        yield lambda: node.body.insert(0, node.body.pop(1))
    if node.decorator_list and node.name != "model":
        yield node.decorator_list.clear
    if isinstance(node, ast.ClassDef) and node.bases:
        yield node.bases.pop
    if isinstance(node, ast.FunctionDef) and len(node.args.args) > 1:
        yield node.args.args.reverse
        if node.args.defaults:
            yield partial(node.args.defaults.pop, 0)


# --- edits that cannot ------------------------------------------------------------------------


def neutral_edits(choose: random.Random, program: Program) -> Iterator[tuple[str, Files]]:
    """Yield the name of each neutral edit that applies, and the program's files after it."""
    for edit in (moved_down, moved_up, renamed, reordered, joined):
        after = edit(choose, program)
        if after is not None:
            yield edit.__name__, after.files()
    for rewrite in (commented, spaced, formatted, documented, annotated, padded):
        yield rewrite.__name__, {name: rewrite(choose, text) for name, text in program.files().items()}


def moved_down(choose: random.Random, program: Program) -> Program:
    """Move the first symbols of the helpers into a module of their own."""
    helpers, last = program.modules
    k = choose.randint(1, len(helpers.items))
    return program.with_modules(Module("extra", helpers.items[:k]), Module(helpers.name, helpers.items[k:]), last)


def moved_up(choose: random.Random, program: Program) -> Program | None:
    """Move the first symbols of the last module to the end of the helpers."""
    helpers, last = program.modules
    if program.is_dotted:
        return None
    k = choose.randint(1, len(last.items) - 1)
    return program.with_modules(Module(helpers.name, helpers.items + last.items[:k]), Module(last.name, last.items[k:]))


def renamed(choose: random.Random, program: Program) -> Program:
    helpers, last = program.modules
    return program.with_modules(replace(helpers, name="renamed"), last)


def reordered(choose: random.Random, program: Program) -> Program:
    """Shuffle each module; what is read while a module is imported stays before what reads it."""
    return program.with_modules(*(replace(m, items=tuple(_shuffled(choose, m.items))) for m in program.modules))


def _shuffled(choose: random.Random, items: tuple[Item, ...]) -> Iterator[Item]:
    left, placed = list(items), set[str]()
    while left:
        ready = [i for i in left if i.is_lazy or _needed(i, items) <= placed]
        item = choose.choice(ready)
        left.remove(item)
        placed.add(item.name)
        yield item


def _needed(item: Item, items: tuple[Item, ...]) -> set[str]:
    needed: set[str] = set()
    stack = [item]
    while stack:
        for read in stack.pop().reads(items):
            if read.name not in needed:
                needed.add(read.name)
                stack.append(read)
    return needed - {item.name}


def joined(choose: random.Random, program: Program) -> Program:
    """Add symbols that nothing reads."""
    helpers, last = program.modules
    unread = [
        Item("unread_function", "def unread_function(a, b=1):\n    return a * b\n", ()),
        Item("UnreadClass", "class UnreadClass:\n    size = 3\n", ()),
        Item("UNREAD", "UNREAD = [1, 2]\n", ()),
    ]
    chosen = tuple(choose.sample(unread, choose.randint(1, 3)))
    if choose.random() < 0.5:
        return program.with_modules(replace(helpers, items=chosen + helpers.items), last)
    return program.with_modules(helpers, replace(last, items=chosen + last.items))


def commented(choose: random.Random, text: str) -> str:
    return _at_line_ends(choose, text, "  # a note: x = 1")


def spaced(choose: random.Random, text: str) -> str:
    return _at_line_ends(choose, text, "  \n\n")


def formatted(choose: random.Random, text: str) -> str:
    return ast.unparse(ast.parse(text))


def documented(choose: random.Random, text: str) -> str:
    return _edited(text, lambda node: _document(choose, node))


def _document(choose: random.Random, node: ast.AST) -> None:
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and choose.random() < 0.6:
        node.body.insert(0, ast.Expr(ast.Constant(choose.choice(["What it does.", "One.\n\nTwo."]))))


def annotated(choose: random.Random, text: str) -> str:
    return _edited(text, lambda node: _annotate(choose, node))


def _annotate(choose: random.Random, node: ast.AST) -> None:
    hint: ast.expr = choose.choice([ast.Name("int", ast.Load()), ast.Constant("list[Unknown]")])
    if isinstance(node, ast.FunctionDef) and choose.random() < 0.6:
        node.returns = hint
        for arg in node.args.args:
            arg.annotation = hint
    if isinstance(node, ast.FunctionDef) and isinstance(node.body[0], ast.Assign) and choose.random() < 0.6:
        first = node.body[0]
        if isinstance(first.targets[0], ast.Name):
            node.body[0] = ast.AnnAssign(first.targets[0], hint, first.value, simple=1)


def padded(choose: random.Random, text: str) -> str:
    """Add statements that do nothing."""
    return _edited(text, lambda node: _pad(choose, node))


def _pad(choose: random.Random, node: ast.AST) -> None:
    if isinstance(node, ast.FunctionDef | ast.If | ast.For):
        node.body.insert(choose.randint(0, len(node.body) - 1), ast.Pass())


def _edited(text: str, edit: Callable[[ast.AST], None]) -> str:
    tree = ast.parse(text)
    for node in list(ast.walk(tree)):
        edit(node)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _at_line_ends(choose: random.Random, text: str, added: str) -> str:
    """Add text at the ends of some logical lines."""
    lines = text.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NEWLINE and choose.random() < 0.5:
            line = lines[token.start[0] - 1]
            lines[token.start[0] - 1] = line.rstrip("\n") + added + "\n"
    return "".join(lines)
