"""What a declaration adds to its code, as symbols that people can compare: its `version`, and files in `code_deps`.

They are part of no digest here: the code version holds the text and the files' digests itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from assetctl.lineage.facts.kinds import SymbolKind
from assetctl.lineage.facts.ports import CodeWorld
from assetctl.lineage.facts.records import Symbol
from assetctl.lineage.identity.encode import Framed

_MOST_FILES = 50  # that are recorded one by one, with their text


def declared_symbols(
    world: CodeWorld, reached: Sequence[Symbol], patterns: Sequence[str], version: str | None
) -> list[Symbol]:
    """Return a symbol for the `version`, or for each file that `code_deps` names; for a pattern of many, one."""
    where, via = (reached[0].where, reached[0].name) if reached else ("", "")
    if version is not None:
        digest = Framed("declared/1").text(version).hexdigest()
        return [Symbol("version", SymbolKind.VALUE, digest, where, via, repr(version))]
    symbols: list[Symbol] = []
    for pattern in patterns:
        files = world.files(pattern)
        if len(files) > _MOST_FILES:
            symbols.append(_of_many(world, pattern, files, where, via))
            continue
        for file in files:
            digest = Framed("declared/1").text(world.file_digest(file) or "").hexdigest()
            text = world.file_text(file) or ""
            symbols.append(Symbol(file, SymbolKind.VALUE, digest, f"{file}:1", via, text))
    return symbols


def _of_many(world: CodeWorld, pattern: str, files: Sequence[str], where: str, via: str) -> Symbol:
    out = Framed("declared/1").length(len(files))
    for file in files:
        out.text(file).text(world.file_digest(file) or "")
    return Symbol(pattern, SymbolKind.VALUE, out.hexdigest(), where, via, f"{len(files):,} files")
