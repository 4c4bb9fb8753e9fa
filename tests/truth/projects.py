"""Projects of five to fifteen modules, put together at random from shapes, and random edits of them."""

from __future__ import annotations

import ast
import itertools
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.truth import shapes_code, shapes_files, shapes_lookups, shapes_made, shapes_values
from tests.truth.shape import Content, Shape, knob, neutral

_MODULES = (shapes_code, shapes_made, shapes_files, shapes_lookups, shapes_values)
SHAPES = [
    kind
    for module in _MODULES
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Shape) and kind is not Shape
]


class SharedModule(Shape):
    """The module that all others import, and an asset that reads nothing."""

    files = {
        "shared.py": """import zlib
LIMIT = $limit

def num(value):
    return zlib.crc32(repr(value).encode()) % $modulus

def scale(x):
    return x * $times + LIMIT

def unused():
    return $unread
""",
        "${me}.py": "from assetctl import asset\n\n@asset\ndef ${me}_a():\n    return $start\n",
    }
    knobs = {
        "start": knob("1 | 2 | 3 | 4", "a"),
        "modulus": knob("97 | 89", "NUM"),
        "times": knob("2 | 3", "SCALE"),
        "limit": knob("0 | 5", "SCALE"),
        "unread": neutral("1 | 2 | 3"),
    }
    offers = "a"


@dataclass(frozen=True)
class Edit:
    """What one edit changed, in words, and the assets that it may reach by itself."""

    what: str
    reaches: frozenset[str] = frozenset()
    is_needed: bool = False  # it changes what code or data say, rather than how


@dataclass
class Decoration:
    """How a Python file is written, beyond what it says."""

    comment: int = 0
    blank: int = 0
    unused: int = 0
    docstring: int = 0
    is_reformatted: bool = False
    swapped: int = 0

    def applied(self, text: str) -> str:
        if self.is_reformatted:
            text = ast.unparse(ast.parse(text)) + "\n"
        if self.swapped:
            text = _with_swapped_functions(text, self.swapped)
        if self.docstring and not text.startswith(('"', "'")):
            text = f'"""Said {self.docstring} times."""\n{text}'
        if self.blank:
            text = text.replace("\ndef ", "\n" * (1 + self.blank % 4) + "def ")
        if self.comment:
            text = text.replace("\n", f"  # said {self.comment}\n", 1) if '"""' not in text.split("\n")[0] else text
            text += f"# remark {self.comment}\n"
        if self.unused:
            text += f"\n\ndef unused_{self.unused}(x):\n    return [x, {self.unused}]\n"
        return text


def _with_swapped_functions(text: str, which: int) -> str:
    """Return the text with two adjacent plain functions swapped; defining functions has no order."""
    body = ast.parse(text).body
    pairs = [(a, b) for a, b in itertools.pairwise(body) if _is_plain(a) and _is_plain(b)]
    if not pairs:
        return text
    first, second = pairs[which % len(pairs)]
    lines = text.split("\n")
    one, two = lines[first.lineno - 1 : first.end_lineno], lines[second.lineno - 1 : second.end_lineno]
    between = lines[first.end_lineno : second.lineno - 1]
    return "\n".join([*lines[: first.lineno - 1], *two, *between, *one, *lines[second.end_lineno or 0 :]])


def _is_plain(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and not node.decorator_list and not node.args.defaults


@dataclass
class World:
    """A generated project: its shapes, how its files are written, and files that nobody reads."""

    choose: random.Random
    shapes: list[Shape] = field(default_factory=list)
    decorations: dict[str, Decoration] = field(default_factory=dict)
    n_unread: int = 0
    n_settings: int = 0
    touched: list[str] = field(default_factory=list)

    @classmethod
    def made(cls, seed: int | str, kinds: list[type[Shape]] | None = None, python: tuple[int, int] = (3, 11)) -> World:
        """Put a project together; all of its shapes are different kinds."""
        world = cls(random.Random(seed))
        possible = [kind for kind in (kinds or SHAPES) if kind.needs_python <= python]
        waiting = world.choose.sample(possible, len(possible))
        most = world.choose.randint(5, 15) if kinds is None else 99
        world._add(SharedModule)
        while waiting and world.n_modules < most:
            world._add(waiting.pop())
            if kinds is None and world.n_modules > 15:
                world.shapes.pop()
        return world

    def _add(self, kind: type[Shape]) -> None:
        offered = [key for shape in self.shapes for key in sorted(shape.keys(shape.offers))]
        shape = kind(f"s{len(self.shapes)}", self.choose.choice(offered) if offered else "")
        for name, each in shape.knobs.items():
            shape.at[name] = self.choose.randrange(len(each.alternatives))
        self.shapes.append(shape)

    @property
    def n_modules(self) -> int:
        return sum(name.endswith(".py") for name in self.texts())

    # --- writing -----------------------------------------------------------------------------

    def texts(self) -> dict[str, Content]:
        """Return every file of the project."""
        texts: dict[str, Content] = {"pyproject.toml": self._settings()}
        for shape in self.shapes:
            for name, text in shape.texts().items():
                decoration = self.decorations.get(name)
                texts[name] = decoration.applied(str(text)) if decoration is not None else text
        texts |= {f"unread_{n}.txt": "nobody reads this" for n in range(self.n_unread)}
        return texts

    def _settings(self) -> str:
        modules = [
            f'"{shape.me}/"' if isinstance(shape, shapes_code.Package) else f'"{shape.me}.py"' for shape in self.shapes
        ]
        other = f"[tool.other]\nsaid = {self.n_settings}\n"
        return f'[project]\nname = "world"\n\n[tool.assetctl]\nassets = [{", ".join(modules)}]\njobs = 1\n\n{other}'

    def environment(self) -> dict[str, str]:
        return {name: value for shape in self.shapes for name, value in shape.environment().items()}

    def write(self, root: Path, before: dict[str, Content] | None = None) -> dict[str, Content]:
        """Write what differs from before, delete what is gone, and return what is there."""
        before = before or {}
        texts = self.texts()
        for name in before.keys() - texts.keys():
            (root / name).unlink()
        for name, text in texts.items():
            if before.get(name) != text:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        for name in self.touched:
            os.utime(root / name)
        self.touched.clear()
        return texts

    # --- edits -------------------------------------------------------------------------------

    def edit(self) -> Edit:
        """Change one thing, or sometimes several."""
        edits = [self._one_edit() for _ in range(self.choose.choice([1, 1, 1, 1, 2, 3]))]
        reaches = frozenset().union(*(edit.reaches for edit in edits))
        return Edit("; ".join(edit.what for edit in edits), reaches, any(edit.is_needed for edit in edits))

    def _one_edit(self) -> Edit:
        return self._turn() if self.choose.random() < 0.7 else self._write_otherwise()

    def _turn(self) -> Edit:
        shape = self.choose.choice(self.shapes)
        name = self.choose.choice(list(shape.knobs))
        turned = shape.knobs[name]
        before = self.environment()
        others = [n for n in range(len(turned.alternatives)) if n != shape.at[name]]
        shape.at[name] = self.choose.choice(others)
        reaches = self._reached(shape, name)
        if self.environment() != before:
            reaches |= {key for each in self.shapes for key in each.keys(each.reads_all_variables)}
        what = f"{type(shape).__name__} {shape.me}.{name} = {turned.alternatives[shape.at[name]]!r}"
        return Edit(what, frozenset(reaches), not turned.is_neutral)

    def _reached(self, shape: Shape, name: str) -> set[str]:
        if shape.knobs[name].reaches == ("NUM",):
            return {key for each in self.shapes for key in each.keys(each.reads_up)}
        if shape.knobs[name].reaches == ("SCALE",):
            return {key for each in self.shapes for key in each.keys(each.scales)}
        return shape.reached(name)

    def _write_otherwise(self) -> Edit:
        files = [
            name
            for shape in self.shapes
            for name in shape.texts()
            if name.endswith(".py") and not any(name.endswith(ending) for ending in shape.data)
        ]
        name = self.choose.choice(files)
        ways: dict[str, Callable[[Decoration], None]] = {
            "comment": lambda now: setattr(now, "comment", now.comment + 1),
            "blank": lambda now: setattr(now, "blank", now.blank + 1),
            "unused": lambda now: setattr(now, "unused", now.unused + 1),
            "docstring": lambda now: setattr(now, "docstring", now.docstring + 1),
            "reformat": lambda now: setattr(now, "is_reformatted", not now.is_reformatted),
            "swap": lambda now: setattr(now, "swapped", now.swapped + 1),
        }
        way = self.choose.choice([*ways, "touch", "unread", "settings"])
        if way == "touch":
            self.touched.append(name)
        elif way == "unread":
            self.n_unread += 1
        elif way == "settings":
            self.n_settings += 1
        else:
            ways[way](self.decorations.setdefault(name, Decoration()))
        return Edit(f"{way} {name}")
