"""What steps left of the values that code captures: their names, and what they stand for.

In a notebook live objects are identified at every question. What a step changed would look
like an edit, so what was found right after it is remembered as standing for what had been
identified before. Anything but exactly this, in these very objects, was done by somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from assetctl.assets.ids import AssetKey
from assetctl.lineage.facts.kinds import SymbolKind
from assetctl.lineage.facts.records import CodeIdentity, CodeVersion, Symbol
from assetctl.lineage.graph.asset_graph import Step
from assetctl.lineage.identity.code.identify import CodeIdentifier

_SHOWN = 3
_NOT_TOLD_APART = (type(None), bool, int, float, complex, str, bytes, tuple, frozenset)
"""A new assignment of an equal value may be the same object, so these say nothing of who assigned them."""


@dataclass(frozen=True, slots=True)
class _Left:
    version: CodeVersion
    objects: Mapping[str, object]
    before: CodeIdentity


class LeftByStep:
    """What steps left of the code of each step, in this process."""

    def __init__(self) -> None:
        self._left: dict[AssetKey, _Left] = {}

    def remember(self, key: AssetKey, before: CodeIdentity, now: CodeIdentity, captured: Mapping[str, object]) -> None:
        """Take what is found now for what was identified before, unless an assignment could not be told from it."""
        self._left.pop(key, None)
        if now.version == before.version:
            return
        changed = [symbol for symbol in _changed(before, now) if symbol.via not in captured]
        objects = {s.name: captured.get(s.name) for s in changed}
        if all(s.kind is SymbolKind.VALUE for s in changed) and not any(
            isinstance(value, _NOT_TOLD_APART) for value in objects.values()
        ):
            self._left[key] = _Left(now.version, objects, before)

    def as_after_import(
        self, key: AssetKey, now: CodeIdentity, captured: Callable[[], Mapping[str, object]]
    ) -> CodeIdentity:
        """Return what counts for code as it is found now."""
        left = self._left.get(key)
        if left is None or left.version != now.version:
            return now
        objects = captured()
        same = all(objects.get(name) is value for name, value in left.objects.items())
        return left.before if same else now


def changed_names(before: CodeIdentity, now: CodeIdentity) -> tuple[str, ...]:
    """Return what a person calls that which differs: captured values, else code."""
    changed = _changed(before, now)
    values = {symbol.name: symbol for symbol in before.symbols if symbol.kind is SymbolKind.VALUE}
    captured = [_outermost(symbol, values) for symbol in changed if symbol.kind is SymbolKind.VALUE]
    shown = tuple(dict.fromkeys(map(_shown, captured or changed)))
    return shown[:_SHOWN] or ("something that its code reaches",)


def _changed(before: CodeIdentity, now: CodeIdentity) -> list[Symbol]:
    known = {(symbol.name, symbol.digest) for symbol in now.symbols}
    return [symbol for symbol in before.symbols if (symbol.name, symbol.digest) not in known]


def _outermost(symbol: Symbol, values: Mapping[str, Symbol]) -> Symbol:
    """Return the captured value that code reads, of one that lies inside of it."""
    seen = {symbol.name}
    while symbol.via in values and symbol.via not in seen:
        symbol = values[symbol.via]
        seen.add(symbol.name)
    return symbol


def _shown(symbol: Symbol) -> str:
    place = symbol.where.rpartition(":")[0]
    module = place.removesuffix(".py").replace("/", ".")
    name = next(
        (symbol.name[len(m) + 1 :] for m in (module, module.rpartition(".")[2]) if symbol.name.startswith(f"{m}.")),
        symbol.name,
    )
    return f"`{name}` in {place}" if place else f"`{name}`"


def config_names(step: Step) -> frozenset[str]:
    """Return the parameters of a step whose defaults are config, not code."""
    options = step.declaration.options
    return frozenset(step.config) | set(options.secret) | set(options.ins)


def captured_by(step: Step, identifier: CodeIdentifier) -> dict[str, object]:
    """Return the objects that a step's code captures, by name; `identifier` identified it."""
    return {name: value for name, kind, value in _reached(step, identifier) if kind is SymbolKind.VALUE}


def subjects_of(step: Step, identifier: CodeIdentifier) -> Iterator[object]:
    """Yield every object that a step's code reaches."""
    return (value for _, _, value in _reached(step, identifier))


def _reached(step: Step, identifier: CodeIdentifier) -> list[tuple[str, SymbolKind | None, object]]:
    return identifier.reached(
        step.declaration.compute, config=config_names(step), code_deps=step.declaration.options.code_deps
    )
