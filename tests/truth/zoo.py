"""The zoo of values: what each becomes when it is kept and read again. `zoo_run.py` prints it.

A specimen is a maker of a value, and a maker of the value with one edit that a reader can see: then its version is
another. Where a value is refused, `Refused` says what the message names.
"""

from __future__ import annotations

import contextlib
import importlib
import random
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assetctl.assets.errors import AssetctlError
from assetctl.assets.ids import Target
from assetctl.lineage.facts.ports import Wanted
from assetctl.lineage.facts.records import Output, ProvenanceDigest
from assetctl.storage.state.layout import Layout
from assetctl.storage.values.store import BlobDataStore
from tests.truth.zoo_same import difference

Make = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """Storing the value fails, and the message names this."""

    what: str


Zoo = dict[str, tuple[Make, Make | Refused | None]]

_WITHOUT_SHARING = ("json", "node-link")

NEW_EACH_TIME = frozenset(("axes", "dict of figures", "statsmodels glm"))
"""What matplotlib counts up within a process, and statsmodels computes on demand, is in them: new data, never old."""

FILES = ("zoo_python", "zoo_tables", "zoo_science", "zoo_libraries")


def families() -> dict[str, Zoo]:
    """Return all specimens by family and name."""
    kept: dict[str, Zoo] = {}
    for file in FILES:
        kept |= importlib.import_module(f"tests.truth.{file}").FAMILIES
    return kept


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one specimen; empty texts where there is nothing to say."""

    version: str = ""
    codec: str = ""
    basis: str = ""
    refused: str = ""
    absent: str = ""
    wrong: str = ""


def observed(folder: Path, make: Make, edit: Make | Refused | None) -> Seen:
    """Keep a value, read it, keep what came back and the edited one, and say what is wrong with that."""
    try:
        value = make()
    except ImportError as absent:
        return Seen(absent=str(absent.name))
    except Exception as failed:  # noqa: BLE001  the zoo goes on, and says it
        return Seen(wrong=f"{type(failed).__name__} while it was made: {failed}")
    try:
        output = kept(folder, value)
    except AssetctlError as refused:
        message = " ".join([str(refused), *(f"{n}: {text}" for p in refused.problems for n, text in p.facts)])
        expected = isinstance(edit, Refused) and edit.what in message
        return Seen(refused=message, wrong="" if expected else f"is refused: {message}")
    except BaseException as crash:  # noqa: BLE001  the zoo goes on, and says it
        return Seen(wrong=f"{type(crash).__name__} while it was kept: {crash}")
    try:
        wrong = "; ".join(_wrong(folder, output, make, edit))
    except BaseException as crash:  # noqa: BLE001
        wrong = f"{type(crash).__name__} while it was read: {crash}"
    return Seen(output.value.version, output.codec, output.value.basis, wrong=wrong)


def _wrong(folder: Path, output: Output, make: Make, edit: Make | Refused | None) -> Iterable[str]:
    if isinstance(edit, Refused):
        yield "is kept, and was to be refused"
        return
    store = BlobDataStore(Layout.of(folder))
    back, to_keep = store.load(output, Wanted()), store.load(output, Wanted())  # comparing may warm what it looks at
    if output.codec == "figure-svg/1":  # a figure is kept as the picture of it
        different = "" if isinstance(back, str) and back.lstrip().startswith("<") else "no picture"
        to_keep = make()
    else:
        different = difference(make(), back, sharing=not output.codec.startswith(_WITHOUT_SHARING))
    if different:
        yield f"comes back as something else: {different}"
    if kept(folder, make()).value.version != output.value.version:
        yield "has another version when it is made again"
    if kept(folder, to_keep).value.version != output.value.version:
        yield "has another version when it came back"
    if edit is not None:
        with contextlib.suppress(AssetctlError):
            if kept(folder, edit()).value.version == output.value.version:
                yield "has the version of the edited one"


def kept(folder: Path, value: object) -> Output:
    """Keep a value in a store of its own, as the output of a step."""
    store = BlobDataStore(Layout.of(folder))
    stored = store.put(value, codec=None, unordered=False, provenance=ProvenanceDigest("b3:p"))
    return stored.as_output(Target.parse("thing"))


def quietly(folder: Path, make: Make, edit: Make | Refused | None) -> Seen:
    """Observe without the libraries' own warnings, with random numbers from a known state."""
    import numpy as np

    random.seed(0)
    np.random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return observed(folder, make, edit)
