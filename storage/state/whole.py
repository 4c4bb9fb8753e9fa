"""Replace a file as a whole: a reader finds the old bytes or the new ones, never a part of either.

The bytes are written under a temporary name in the same folder, which is then renamed. A
process that is killed meanwhile leaves the old file, and at worst a hidden `.tmp` beside
it. What is kept is no more open than its folder; what is handed out, as any new file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from assetctl.storage.state.modes import Opener, open_new

_RANDOM_BYTES = 6


def write_whole(path: Path, data: bytes, *, durable: bool, opener: Opener = open_new) -> None:
    """Write a file in a folder that exists; see `whole_file`.

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    with whole_file(path, durable=durable, opener=opener) as file:
        file.write(data)


@contextmanager
def whole_file(path: Path, *, durable: bool, opener: Opener = open_new) -> Iterator[BinaryIO]:
    """Yield a new file to write, which replaces `path` once the block ends without an error.

    `durable` makes its bytes survive a power loss before it is renamed. Without it,
    a power loss may leave an empty file: fine for what can be made again. `opener` decides
    who may read it.

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    temporary = path.with_name(f".{os.urandom(_RANDOM_BYTES).hex()}.tmp")
    try:
        with open(temporary, "xb", opener=opener) as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):  # a disk that refused the bytes may refuse this too
            temporary.unlink(missing_ok=True)
        raise


def is_temporary(path: Path) -> bool:
    """Say whether a file has the name of one that was to replace another."""
    random, name = path.name.removeprefix(".").removesuffix(".tmp"), path.name
    return name == f".{random}.tmp" and len(random) == 2 * _RANDOM_BYTES and set(random) <= set("0123456789abcdef")


def fsync_folder(folder: Path) -> None:
    """Return once the names in a folder survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
