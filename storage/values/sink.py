"""Where a codec writes: to memory while it is small, then to a temporary file; hashed on the way."""

from __future__ import annotations

import io
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

from blake3 import blake3

from assetctl.lineage.facts.records import BlobDigest
from assetctl.lineage.identity.encode import PREFIX
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.codecs.base import Encoded
from assetctl.storage.state.crash_points import CrashPoint, reached
from assetctl.storage.state.format import environment_fault
from assetctl.storage.state.modes import open_new

_IN_MEMORY_BYTES = 1 << 18


class Sink(io.RawIOBase):
    """A write-only stream. On leaving its context, what was not kept is gone."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__()
        self._blobs = blobs
        self._hasher = blake3()
        self._memory: bytearray | None = bytearray()
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self.size_bytes = 0
        self.fault: Exception | None = None  # the disk's, which a library may have taken for its own

    @property
    def stream(self) -> BinaryIO:
        """This sink, typed as the codecs want it."""
        return cast(BinaryIO, self)

    @property
    def folder(self) -> Path:
        """Where unfinished writes of this store lie; it exists."""
        return self._blobs.temporary().parent

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.size_bytes

    def write(self, data: Any) -> int:
        """Write bytes.

        Raises:
            EnvironmentFault: the disk refused.
        """
        view = memoryview(data).cast("B") if memoryview(data).nbytes else memoryview(b"")
        self._hasher.update(view)
        self.size_bytes += len(view)
        if self._memory is not None:
            self._memory += view
            if len(self._memory) > _IN_MEMORY_BYTES:
                content, self._memory = self._memory, None
                self._to_file(content)
        else:
            self._to_file(view)
        return len(view)

    def _to_file(self, data: bytearray | memoryview) -> None:
        if self._path is None:
            self._path = self._blobs.temporary()
        try:
            if self._file is None:
                self._file = open(self._path, "xb", opener=open_new)  # noqa: SIM115  closed with the value
            self._file.write(data)
        except OSError as cause:
            self.fault = environment_fault(cause, self._path, "a value cannot be written")
            raise self.fault from cause

    @property
    def digest(self) -> BlobDigest:
        """The digest of everything written so far."""
        return BlobDigest(PREFIX + self._hasher.hexdigest())

    def encoded(self) -> Encoded:
        """Return what was written, to be read back."""
        if self._memory is not None:
            return Encoded(data=bytes(self._memory), trusted=True)
        assert self._file is not None
        self._file.flush()
        return Encoded(path=self._path, trusted=True)

    def keep(self) -> BlobDigest:
        """Make what was written a blob; durable on return.

        Raises:
            EnvironmentFault: the disk refused; nothing was stored.
        """
        if self._memory is not None:
            return self._blobs.put_bytes(self._memory)
        assert self._file is not None
        assert self._path is not None
        try:
            self._file.close()
        except OSError as cause:
            raise environment_fault(cause, self._path, "a value cannot be written") from cause
        reached(CrashPoint.OUTPUT_WRITTEN)
        self._blobs.adopt(self._path, self.digest)
        self._path = None
        return self.digest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        super().close()
