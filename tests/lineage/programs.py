"""Random small programs as text: two modules whose asset `model` reaches a random part of what they hold.

A program is a list of items (constants, functions, classes, …) in an order in which each reads
only earlier ones. Everything is total, deterministic and short, so that two programs can be
told apart by calling `model` on a few numbers.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

HEADER = "import enum\nimport functools\nimport operator\nfrom dataclasses import dataclass\n"
_NAME = re.compile(r"\b[a-zA-Z_]\w*\b")


@dataclass(frozen=True)
class Item:
    """A top-level definition. `calls` are the expressions, with `{}` for a number, that use it."""

    name: str
    text: str
    calls: tuple[str, ...]
    is_lazy: bool = False  # reads other items only when it is called

    def reads(self, others: Iterable[Item]) -> list[Item]:
        words = set(_NAME.findall(self.text))
        return [other for other in others if other.name in words and other.name != self.name]


@dataclass(frozen=True)
class Module:
    name: str
    items: tuple[Item, ...]

    @property
    def names(self) -> list[str]:
        return [item.name for item in self.items]


@dataclass(frozen=True)
class Program:
    """Modules, each importing names from all before it; the last holds `model`.

    With `is_dotted`, the last module reads those of the one before as `helpers.name`.
    """

    modules: tuple[Module, ...]
    is_dotted: bool = False
    alias: str = "helpers"

    def with_modules(self, *modules: Module) -> Program:
        return replace(self, modules=modules)

    def files(self) -> dict[str, str]:
        """Return the text of each module, by name."""
        return {module.name: self._text(position) for position, module in enumerate(self.modules)}

    def _text(self, position: int) -> str:
        imports, module = "", self.modules[position]
        is_last = position == len(self.modules) - 1
        for before in self.modules[:position]:
            if is_last and self.is_dotted and before.name == self.modules[-2].name:
                renamed = "" if before.name == self.alias else f" as {self.alias}"
                imports += f"import {before.name}{renamed}\n"
            elif before.items:
                imports += f"from {before.name} import {', '.join(before.names)}\n"
        head = "from assetctl import asset\n" if is_last else ""
        return HEADER + head + imports + "\n".join(item.text for item in module.items)


def make_program(choose: random.Random) -> Program:
    """Return a random program."""
    maker = _Maker(choose)
    helpers = [maker.item(n) for n in range(choose.randint(1, 5))]
    is_dotted = choose.random() < 0.4
    if is_dotted:
        known = set(maker.calls)
        maker.calls = [_dotted(call, helpers) for call in maker.calls]
        assert len(known) == len(set(maker.calls))
    own = [maker.item(n) for n in range(len(helpers), len(helpers) + choose.randint(1, 4))]
    reached = [call.format("y") for call in choose.sample(maker.calls, min(3, len(maker.calls)))]
    start = "\n".join(["y = x + 1", *(f"y += {call}" for call in reached)])
    model = f"@asset\ndef model(x):\n{maker.body('x', 'y', start=start)}"
    own.append(Item("model", model, (), is_lazy=True))
    return Program((Module("helpers", tuple(helpers)), Module("pipeline", tuple(own))), is_dotted)


def _dotted(call: str, items: Iterable[Item]) -> str:
    names = {item.name for item in items}
    return _NAME.sub(lambda word: f"helpers.{word[0]}" if word[0] in names else word[0], call)


class _Maker:
    """Makes items and expressions; `calls` are ways to use what was made so far."""

    def __init__(self, choose: random.Random) -> None:
        self.choose = choose
        self.calls: list[str] = []

    def item(self, n: int) -> Item:
        kinds: list[Callable[[int], Item]] = [
            self.constant,
            self.function,
            self.function,
            self.defaults,
            self.nested,
            self.comprehended,
            self.record,
            self.class_,
            self.table,
            self.partial,
            self.made,
            self.recursive,
            self.decorated,
            self.members,
            self.generator,
        ]
        made = self.choose.choice(kinds)(n)
        self.calls.extend(made.calls)
        return made

    # --- expressions ----------------------------------------------------------------------

    def number(self) -> int:
        return self.choose.randint(-3, 9)

    def expression(self, *names: str, depth: int = 2) -> str:
        if depth == 0:
            return self.choose.choice([*names, str(self.choose.randint(0, 9))])
        a, b, c = (self.expression(*names, depth=depth - 1) for _ in range(3))
        forms = [
            f"({a} + {b})",
            f"{a} - ({b})",
            f"({a}) * 3",
            f"({a} if {b} > {c} else {self.number()})",
            f"max({a}, {b})",
            f"sum([v + {names[0]} for v in range(3) if v != {self.number()}])",
            f"(lambda z, k={self.number()}: z + k)({a})",
            f"len(f'{{{names[0]}}}-{{{names[-1]}!r:>{self.choose.randint(2, 6)}}}')",
            f"({a}, {b})[{self.choose.randint(0, 1)}]",
            f"dict(p={a}, q={b})['{self.choose.choice('pq')}']",
            f"(({a}) % 7 or {b})",
            f"int(not {a} and {b} < {c})",
        ]
        forms += [call.format(a) for call in self.choose.sample(self.calls, min(4, len(self.calls)))] * 3
        return self.choose.choice(forms)

    def body(self, *names: str, start: str = "") -> str:
        """Return an indented body that returns a number."""
        lines = [start] if start else []
        lines += [self.choose.choice(self.statements(*names)) for _ in range(self.choose.randint(0, 2))]
        lines.append(f"return {self.expression(*names)}")
        return "".join(f"    {line}\n" for line in "\n".join(lines).split("\n"))

    def statements(self, *names: str) -> list[str]:
        a, name, n = self.expression(*names), self.choose.choice(names), self.number()
        return [
            f"{name} = {a}",
            f"{name} += {a}",
            f"for v in (1, {n}, 4):\n    {name} += v\n    if {name} > {n}:\n        break",
            f"if {name} > {n}:\n    {name} = {a}\nelse:\n    {name} -= {n}",
            f"try:\n    {name} = {a} // ({name} - {n})\nexcept ZeroDivisionError:\n    {name} = {n}",
            f"if (w := {a}) > {n}:\n    {name} = w",
            f"match {name} % 3:\n    case 0:\n        {name} = {n}\n    case other:\n        {name} += other",
            f"def inner(v, k={n}):\n    return v * 2 + k + {names[0]}\n{name} = inner({a})",
            f"{name}, rest = {a}, '{n}'\n{name} += len(rest)",
        ]

    # --- items ------------------------------------------------------------------------------

    def constant(self, n: int) -> Item:
        name = f"CONST{n}"
        value, use = self.choose.choice(
            [
                (str(self.number()), f"({name} + {{}})"),
                (f"[{self.number()}, {self.number()}]", f"({name}[-1] + {{}})"),
                (f"{{'k': {self.number()}, 'l': {self.number()}}}", f"({name}['k'] - {{}})"),
                (f"'{'ab' * self.choose.randint(0, 3)}'", f"(len({name}) + {{}})"),
                (f"{self.number()}.5", f"int({name} * 2 + {{}})"),
            ]
        )
        return Item(name, f"{name} = {value}\n", (use,))

    def function(self, n: int) -> Item:
        name = f"function{n}"
        return Item(name, f"def {name}(a):\n{self.body('a')}", (f"{name}({{}})",), is_lazy=True)

    def defaults(self, n: int) -> Item:
        name = f"defaults{n}"
        head = f"def {name}(a, b={self.expression('2', depth=1)}, *rest, c={self.number()}, d='{self.number()}'):\n"
        uses = (f"{name}({{}})", f"{name}({{}}, 2)", f"{name}({{}}, c={self.number()})", f"{name}({{}}, 1, 2, 3)")
        return Item(name, head + self.body("a", "b", "c", start="b = b + len(d) + len(rest)"), uses)

    def nested(self, n: int) -> Item:
        name = f"nested{n}"
        text = f"def {name}(a):\n    k = {self.number()}\n\n    def inner(b):\n        nonlocal k\n        k += b\n"
        text += f"        return k * a\n    return inner(2) + {self.expression('a', 'k')}\n"
        return Item(name, text, (f"{name}({{}})",), is_lazy=True)

    def comprehended(self, n: int) -> Item:
        name = f"comprehended{n}"
        inner = self.expression("a", "v", depth=1)
        made = self.choose.choice([f"[{inner} for v in range(3)]", f"{{v: {inner} for v in (1, 2)}}.values()"])
        return Item(name, f"def {name}(a):\n    return sum({made})\n", (f"{name}({{}})",), is_lazy=True)

    def record(self, n: int) -> Item:
        name = f"Record{n}"
        text = f"@dataclass\nclass {name}:\n    size: int\n    extra: int = {self.number()}\n\n"
        text += f"    def total(self):\n        return self.size + self.extra * {self.number()}\n"
        return Item(name, text, (f"{name}({{}}).total()", f"{name}({{}}, 3).extra"))

    def class_(self, n: int) -> Item:
        name = f"Class{n}"
        base = next((call for call in self.calls if call.startswith("Class") and "." in call), "")
        bases = f"({base.partition('(')[0]})" if base and self.choose.random() < 0.5 else ""
        text = (
            f"class {name}{bases}:\n    factor = {self.number()}\n\n    def __init__(self, a):\n        self.a = a\n\n"
        )
        text += f"    @property\n    def twice(self):\n        return self.a * {self.number()}\n\n"
        text += f"    def method(self, b={self.number()}):\n        a = self.a + self.factor\n"
        text += f"        return {self.expression('a', 'b')}\n"
        return Item(name, text, (f"{name}({{}}).method()", f"{name}(2).method({{}})", f"{name}({{}}).twice"))

    def table(self, n: int) -> Item:
        name = f"TABLE{n}"
        text = f"{name} = {{'up': lambda v: {self.expression('v', depth=1)}, 'down': operator.neg}}\n"
        return Item(name, text, (f"{name}['up']({{}})", f"{name}['down']({{}})"))

    def partial(self, n: int) -> Item:
        name = f"partial{n}"
        base = self.choose.choice(["operator.sub", "max", "lambda p, q: p * 2 + q"])
        return Item(name, f"{name} = functools.partial({base}, {self.number()})\n", (f"{name}({{}})",))

    def made(self, n: int) -> Item:
        name = f"made{n}"
        text = (
            f"def {name}_maker(k):\n    def inner(a):\n        return {self.expression('a', 'k')}\n    return inner\n\n"
        )
        return Item(name, text + f"{name} = {name}_maker({self.number()})\n", (f"{name}({{}})",))

    def recursive(self, n: int) -> Item:
        name = f"recursive{n}"
        text = f"def {name}(a, left=2):\n    return a if left <= 0 else {name}_other(a + {self.number()}, left)\n\n"
        text += f"def {name}_other(a, left):\n    return {name}(a, left - 1) + {self.number()}\n"
        return Item(name, text, (f"{name}({{}})",), is_lazy=True)

    def decorated(self, n: int) -> Item:
        name = f"decorated{n}"
        text = f"def {name}_times(k):\n    def wrap(fn):\n        @functools.wraps(fn)\n"
        text += (
            "        def call(*args):\n            return fn(*args) * 2 + k\n        return call\n    return wrap\n\n"
        )
        text += f"@{name}_times({self.number()})\ndef {name}(a):\n{self.body('a')}"
        return Item(name, text, (f"{name}({{}})",))

    def members(self, n: int) -> Item:
        name = f"Members{n}"
        text = f"class {name}(enum.IntEnum):\n    LOW = {self.number()}\n    HIGH = {self.number() + 20}\n"
        return Item(name, text, (f"({name}.LOW + {{}})", f"({name}['HIGH'].value + {{}})"))

    def generator(self, n: int) -> Item:
        name = f"generator{n}"
        text = f"def {name}(a):\n    yield a\n    yield {self.expression('a')}\n    yield from range({self.choose.randint(0, 4)})\n"
        return Item(name, text, (f"sum({name}({{}}))", f"next({name}({{}}))"), is_lazy=True)
