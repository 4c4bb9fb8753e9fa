"""How fast values are identified, against plain multi-threaded BLAKE3 over the bytes they lie in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from measure import Row

if TYPE_CHECKING:
    import pyarrow as pa

N_ROWS = 4_000_000
BUDGET = 1.6  # for what most tables are made of; the others are shown without one


def rows(runs: int = 5) -> Iterator[Row]:
    import blake3

    from assetctl.lineage.identity.values.identify import identify_value

    for name, make in KINDS.items():
        value, buffers = make()
        gigabytes = sum(memoryview(buffer).nbytes for buffer in buffers) / 1e9

        def plain(buffers: list[Any] = buffers) -> str:
            hasher = blake3.blake3(max_threads=blake3.blake3.AUTO)
            for buffer in buffers:
                hasher.update(memoryview(buffer).cast("B"))
            return str(hasher.hexdigest())

        floor, ours = _best_of_each(plain, lambda value=value: identify_value(value), runs)
        budget = BUDGET if name in WITHIN_BUDGET else None
        label = f"identify {name} ({gigabytes:.2f} GB)"
        yield Row(label, ours / gigabytes, floor / gigabytes, "s/GB", "BLAKE3", budget)


def _best_of_each(one: Callable[[], object], other: Callable[[], object], runs: int) -> tuple[float, float]:
    """Return the shortest run of each in seconds, taken in turns: a noisy moment hits both."""
    best = [float("inf"), float("inf")]
    for _ in range(runs + 1):
        for place, function in enumerate((one, other)):
            started = time.perf_counter()
            function()
            best[place] = min(best[place], time.perf_counter() - started)
    return best[0], best[1]


def _arrow(**columns: Any) -> tuple[pa.Table, list[Any]]:
    import pyarrow as pa

    table = pa.table(columns)
    return table, [b for column in table.columns for chunk in column.chunks for b in _buffers(chunk)]


def _buffers(array: pa.Array) -> list[Any]:
    import pyarrow as pa

    own = [buffer for buffer in array.buffers() if buffer]
    return own + _buffers(array.dictionary) if pa.types.is_dictionary(array.type) else own


def _floats(n_columns: int = 8) -> list[Any]:
    import numpy as np

    chance = np.random.default_rng(1)
    return [chance.standard_normal(N_ROWS) for _ in range(n_columns)]


def _words(n_columns: int = 2) -> list[Any]:
    import numpy as np
    import pyarrow as pa

    chance = np.random.default_rng(1)
    words = np.array([f"word-{index}-{'y' * (index % 13)}" for index in range(5000)])
    return [pa.array(chance.choice(words, N_ROWS)) for _ in range(n_columns)]


def _holes() -> Any:
    import numpy as np

    return np.random.default_rng(2).random(N_ROWS) < 0.1


def _numbers() -> tuple[Any, list[Any]]:
    return _arrow(**{f"x{index}": values for index, values in enumerate(_floats())})


def _numbers_with_nulls() -> tuple[Any, list[Any]]:
    import pyarrow as pa

    holes = _holes()
    return _arrow(**{f"x{index}": pa.array(values, mask=holes) for index, values in enumerate(_floats())})


def _one_column() -> tuple[Any, list[Any]]:
    import numpy as np

    return _arrow(x=np.concatenate(_floats()))


def _strings() -> tuple[Any, list[Any]]:
    return _arrow(**{f"s{index}": words for index, words in enumerate(_words())})


def _bools() -> tuple[Any, list[Any]]:
    import pyarrow as pa

    holes = _holes()
    return _arrow(**{f"b{index}": pa.array(values > 0, mask=holes) for index, values in enumerate(_floats())})


def _dictionaries() -> tuple[Any, list[Any]]:
    return _arrow(**{f"s{index}": words.dictionary_encode() for index, words in enumerate(_words())})


def _lists() -> tuple[Any, list[Any]]:
    import numpy as np
    import pyarrow as pa

    offsets = pa.array(np.arange(0, N_ROWS + 1, 4, dtype=np.int32))
    return _arrow(**{f"l{index}": pa.ListArray.from_arrays(offsets, values) for index, values in enumerate(_floats(4))})


def _pandas_numbers() -> tuple[Any, list[Any]]:
    import pandas as pd

    values = _floats()
    return pd.DataFrame({f"x{index}": each for index, each in enumerate(values)}, copy=False), values


def _pandas_strings() -> tuple[Any, list[Any]]:
    import pandas as pd

    words = _words()
    frame = pd.DataFrame({f"s{index}": pd.Series(each, dtype="str") for index, each in enumerate(words)})
    return frame, _arrow(**dict(zip("ab", words, strict=True)))[1]


def _numpy_array() -> tuple[Any, list[Any]]:
    import numpy as np

    matrix = np.stack(_floats())
    return matrix, [matrix]


KINDS: dict[str, Callable[[], tuple[Any, list[Any]]]] = {
    "numbers": _numbers,
    "numbers with nulls": _numbers_with_nulls,
    "one column": _one_column,
    "strings": _strings,
    "bools with nulls": _bools,
    "dictionaries of strings": _dictionaries,
    "lists of numbers": _lists,
    "pandas numbers": _pandas_numbers,
    "pandas strings": _pandas_strings,
    "numpy array": _numpy_array,
}
WITHIN_BUDGET = {"numbers", "numbers with nulls", "one column", "strings"}


if __name__ == "__main__":
    print(*rows(), sep="\n")
