"""Decide which values are secret: those of parameters declared as secret, and of some environment variables.

The value of a variable is secret if its name says so (a token, a password, a key), if it is an
address with a password or a private key, if the step's code reads it, or if it occurs in the
step's captured values or config. Variables that describe the machine (HOME, PATH, LANG) are
never secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from blake3 import blake3

from assetctl.engine.secrets.masking import MASK, Mask, forms_of
from assetctl.engine.secrets.parts import has_password
from assetctl.lineage.deciding.decide import Identified
from assetctl.lineage.facts.kinds import SymbolKind
from assetctl.lineage.facts.records import Definition
from assetctl.lineage.graph.asset_graph import Step
from assetctl.lineage.graph.bindings import config_text
from assetctl.storage.remote.keys import hidden_texts

_SHORTEST = 6  # characters; shorter values of variables (`1`, `true`, `eu`) say nothing
_SAYS_SECRET = re.compile(
    r"secret|token|passw|passphrase|credential|dsn|connection_string|database_url"
    r"|(^|_)(pass|pwd|auth)($|_)|(api|access|private|signing|account|shared)_?key|_key(_id)?$",
    re.IGNORECASE,
)
_OF_THE_MACHINE = re.compile(
    r"_|HOME|PATH|PWD|OLDPWD|USER|LOGNAME|SHELL|SHLVL|TERM|COLORTERM|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TEMP|TMP|HOST"
    r"|HOSTNAME|DISPLAY|EDITOR|VISUAL|PAGER|COLUMNS|LINES|NO_COLOR|MAIL|XDG_\w+|LS_COLORS|CI"
    r"|VIRTUAL_ENV\w*|CONDA_\w+|PYTHON\w*|PYENV_\w+|PYTEST_\w+|COVERAGE_\w+"
)
_HASH_DIGITS = 16
_KEY = blake3(b"assetctl masked values/1").digest()


class EnvironmentValues:
    """The values of an environment that must not be recorded."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._values = {n: v for n, v in environ.items() if len(v) >= _SHORTEST and not _OF_THE_MACHINE.fullmatch(n)}
        self._marks: list[tuple[str, str]] = []
        for name, value in self._values.items():
            forms = forms_of(value) if _is_secret(name, value) else {value}
            self._marks.extend((form, mark_of(value)) for form in forms)
        self._marks.sort(key=lambda pair: len(pair[0]), reverse=True)

    @classmethod
    def now(cls) -> EnvironmentValues:
        """Return those of this process, as they are now."""
        return _values_of(raw_items(os.environ))

    def hidden(self, text: str) -> str:
        """Return a text with a mark in place of each value; different values keep different marks."""
        for form, mark in self._marks:
            if form in text:
                text = text.replace(form, mark)
        return text

    def hidden_in(self, value: object) -> object:
        """Return a config value with its texts hidden; containers are copied."""
        match value:
            case str():
                return self.hidden(value)
            case tuple():
                return tuple(self.hidden_in(item) for item in value)
            case list():
                return [self.hidden_in(item) for item in value]
            case dict():
                return {key: self.hidden_in(item) for key, item in value.items()}
        return value

    def definition(self, step: Step, definition: Definition) -> Definition:
        """Return a definition as it may be recorded; its digest was made from the values themselves."""
        config = {name: config_text(self.hidden_in(step.config[name])) for name in definition.config}
        return definition if config == definition.config else replace(definition, config=config)

    def of_secret_names(self) -> set[str]:
        return {value for name, value in self._values.items() if _is_secret(name, value)}

    def of_step(self, identified: Identified) -> set[str]:
        """Return the values that a step's code reads, captured, or has in its config."""
        shown = [s.source for s in identified.code.symbols if s.kind == SymbolKind.VALUE]
        shown += identified.definition.config.values()
        read = identified.code.variables
        return {v for n, v in self._values.items() if n in read or any(mark_of(v) in text for text in shown)}


def _is_secret(name: str, value: str) -> bool:
    return _SAYS_SECRET.search(name) is not None or has_password(value)


def mask_of_environment() -> Mask:
    """Return the mask of variables whose names say that their values are secret."""
    return _mask(frozenset(EnvironmentValues.now().of_secret_names().union(hidden_texts())))


def mask_of_step(step: Step, identified: Identified) -> Mask:
    """Return the mask for everything that a step prints, raises or answers."""
    environment = EnvironmentValues.now()
    declared = {leaf for name in step.declaration.options.secret for leaf in _leaves(step.config.get(name))}
    named = environment.of_secret_names().union(hidden_texts())
    return _mask(frozenset(declared | named | environment.of_step(identified)))


def mark_of(value: str) -> str:
    """Return what stands for the value of an environment variable in what is recorded."""
    return MASK + blake3(value.encode("utf-8", "surrogateescape"), key=_KEY).hexdigest()[:_HASH_DIGITS]


def raw_items(environ: Mapping[str, str]) -> tuple[tuple[object, object], ...]:
    """Return an environment's names and values, undecoded where the interpreter shows them so: for comparison only.

    Decoding them takes some fifteen times as long, and this is asked for every step. `_data` is a
    private name of CPython's; without it the decoded texts are compared.
    """
    undecoded = getattr(environ, "_data", environ)
    return tuple(undecoded.items() if isinstance(undecoded, dict) else environ.items())


@lru_cache(maxsize=4)  # making the forms of all values costs more than a step may
def _values_of(_environ: tuple[tuple[object, object], ...]) -> EnvironmentValues:
    return EnvironmentValues(dict(os.environ))


@lru_cache(maxsize=64)
def _mask(values: frozenset[str]) -> Mask:
    return Mask(sorted(values))


def _leaves(value: object) -> Iterator[str]:
    """Yield the texts and numbers within a secret value: any of them may be shown alone."""
    match value:
        case None | bool():
            return
        case Mapping():
            for item in value.values():
                yield from _leaves(item)
        case list() | tuple() | set() | frozenset():
            for item in value:
                yield from _leaves(item)
        case bytes():
            yield value.decode("utf-8", "surrogateescape")
        case _:
            yield str(value)
