"""The global random states of Python and numpy.

A state that a seed gave is put back, so that each step starts from the same one. A state
that came from the system's entropy is replaced by fresh entropy: put back, it would give
two steps the same numbers.
"""

from __future__ import annotations

import ctypes
import random
import sys
from dataclasses import dataclass
from typing import Any

from assetctl.engine.isolation.kept import Kept

_RAW_BYTES = 625 * 4  # of a Mersenne twister: 624 words and a position
_of_python: list[int] = []  # the hash of the words of the last state of `random` known to come from entropy
_of_numpy: list[bytes] = []  # the same of numpy's, as it is in memory
_legacy: list[tuple[bytes, Any]] = []  # numpy's last full state, which takes long to ask for


def note_entropy() -> None:
    """Take the present state of `random` for one that no seed gave: none of the person's code ran yet."""
    random.random()  # the first number makes all words anew, those that follow only move on in them
    _of_python[:] = [_words(random.getstate())]


def _words(state: Any) -> int:
    return hash(state[1][:-1])


def _python() -> Any:
    state = random.getstate()
    return None if _of_python and _words(state) == _of_python[0] else state


def _put_back_python(was: Any) -> None:
    if was is not None:
        random.setstate(was)
    else:
        random.seed()
        note_entropy()


@dataclass(frozen=True, slots=True)
class _Legacy:
    """The state behind `np.random.rand` and its like; `state` is None if it came from entropy."""

    generator: Any
    raw: bytes
    state: Any


def _numpy() -> _Legacy | None:
    np_random = sys.modules["numpy.random"]
    generator = np_random.get_bit_generator()
    if type(generator) is not np_random.MT19937:  # the person chose another one: its state is asked for plainly
        return _Legacy(generator, b"", generator.state)
    raw = _raw(generator)
    if _is_from_entropy(generator, raw):
        return _Legacy(generator, raw, None)
    if not _legacy or _legacy[0][0] != raw:
        state = np_random.get_state(legacy=False)
        _legacy[:] = [(raw, state)] if not state["has_gauss"] else []
        return _Legacy(generator, raw, state)
    return _Legacy(generator, raw, _legacy[0][1])


def _put_back_numpy(was: _Legacy | None) -> None:
    np_random = sys.modules["numpy.random"]
    if was is None:  # the step loaded it, so that no seed was set before
        fresh = np_random.MT19937()
        np_random.get_bit_generator().state = fresh.state
        _of_numpy[:] = [_raw(fresh)]
        return
    if np_random.get_bit_generator() is not was.generator:
        np_random.set_bit_generator(was.generator)
    if not was.raw:
        was.generator.state = was.state
    elif was.state is None:
        if _raw(was.generator) != was.raw:
            _put_back_numpy(None)
    elif was.state["has_gauss"] or _raw(was.generator) != was.raw:
        np_random.set_state(was.state)


def _raw(generator: Any) -> bytes:
    """Return the state as it is in memory: a hundredth of what asking for it takes."""
    return ctypes.string_at(generator.ctypes.state_address, _RAW_BYTES)


def _is_from_entropy(generator: Any, raw: bytes) -> bool:
    if _of_numpy and _of_numpy[0] == raw:
        return True
    seeds = generator.seed_seq
    if seeds is None or (_legacy and _legacy[0][0] == raw):
        return False
    if _raw(type(generator)(seeds)) != raw:  # numbers were drawn, or a state was set
        return False
    _of_numpy[:] = [raw]
    return True


RANDOMNESS: tuple[Kept, ...] = (
    Kept("random", _python, _put_back_python),
    Kept("numpy.random", _numpy, _put_back_numpy, "numpy.random", after_import=lambda: None),
)
