"""A shared cache in an object store (S3, Google Cloud Storage, whatever fsspec knows).

One PUT, or the completion of a multipart upload, makes an object visible as a whole. A
file system that fsspec reaches in another way gets a temporary name and a move. Retries
are ours alone: those of the libraries are turned off, so that every delay is bounded.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from assetctl.storage.remote.transport import Absent, Denied, RemoteFault, Unreachable, install_hint

_T = TypeVar("_T")

_WHOLE_AT_ONCE = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "az", "memory"))
_NO_CREDENTIALS = ("Credentials", "Token", "Profile", "RefreshError", "Unauthorized")
_CONNECT_S, _SILENCE_S = 3, 15
_OPTIONS: dict[str, dict[str, Any]] = {
    "s3": {
        "config_kwargs": {
            "connect_timeout": _CONNECT_S,
            "read_timeout": _SILENCE_S,
            "retries": {"total_max_attempts": 1},
            "response_checksum_validation": "when_required",  # every byte is hashed here anyway
            "request_checksum_calculation": "when_required",  # which not every S3 of other makers understands
        }
    }
}


class ObjectTransport:
    """`transport.Transport` over an fsspec file system, opened when it is first asked."""

    def __init__(self, remote: str) -> None:
        self._where = remote
        self._protocol, _, path = remote.partition("://")
        self._prefix = path.strip("/")
        self._opened: Any = None
        self._lock = threading.Lock()

    @property
    def where(self) -> str:
        return self._where

    def size(self, name: str, within_s: float) -> int | None:
        try:
            if self._protocol in {"s3", "s3a"}:  # `info` would also ask twice whether it is a folder
                bucket, _, key = self._path(name).partition("/")
                return int(
                    self._call(within_s, lambda fs: fs.call_s3, "head_object", Bucket=bucket, Key=key)["ContentLength"]
                )
            info = self._call(within_s, lambda fs: fs.info, self._path(name))
        except Absent:
            return None
        return int(info["size"]) if info.get("type") == "file" else None

    def names(self, folder: str, within_s: float) -> list[str]:
        try:
            paths = self._call(within_s, lambda fs: fs.ls, self._path(folder), detail=False)
        except Absent:
            return []
        return [str(path).rstrip("/").rpartition("/")[2] for path in paths]

    def read(self, name: str, start: int, n_bytes: int, within_s: float) -> bytes:
        return bytes(self._call(within_s, lambda fs: fs.cat_file, self._path(name), start=start, end=start + n_bytes))

    def put_bytes(self, name: str, data: bytes, within_s: float) -> None:
        self._put(name, lambda path: self._call(within_s, lambda fs: fs.pipe_file, path, data))

    def put_file(self, name: str, path: Path, within_s: float) -> None:
        self._put(name, lambda target: self._call(within_s, lambda fs: fs.put_file, str(path), target))

    def _put(self, name: str, write: Callable[[str], object]) -> None:
        path = self._path(name)
        if self._protocol in _WHOLE_AT_ONCE:
            write(path)
            return
        unfinished = f"{path}.{os.urandom(6).hex()}.unfinished"
        self._call(0, lambda fs: fs.makedirs, path.rpartition("/")[0], exist_ok=True)
        write(unfinished)
        self._call(0, lambda fs: fs.mv, unfinished, path)

    def _path(self, name: str) -> str:
        return f"{self._prefix}/{name}"

    def _call(self, within_s: float, method: Callable[[Any], Callable[..., _T]], *args: Any, **kwargs: Any) -> _T:
        """Call a method of the file system; its errors become those of a transport."""
        fs = self._file_system()
        if getattr(fs, "async_impl", False) and within_s:
            kwargs["timeout"] = within_s
        try:
            return method(fs)(*args, **kwargs)
        except Exception as cause:
            raise fault_of(cause) from cause

    def _file_system(self) -> Any:
        with self._lock:
            if self._opened is None:
                self._opened = _open(self._protocol)
            return self._opened


def _open(protocol: str) -> Any:
    hint = install_hint(protocol)
    try:
        import fsspec

        fs = fsspec.filesystem(
            protocol, use_listings_cache=False, skip_instance_cache=True, **_OPTIONS.get(protocol, {})
        )
    except ImportError as cause:
        raise Denied(f"a package for `{protocol}://` is not installed: {hint}") from cause
    except ValueError as cause:
        raise Denied(f"there is no remote of the kind `{protocol}://`: {cause}") from cause
    if protocol in {"s3", "s3a"}:
        fs.retries = 1
    return fs


def fault_of(error: BaseException) -> RemoteFault:
    """Return the transport's error for one of fsspec, or of a library behind it."""
    text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    status = _status_of(error)
    if isinstance(error, FileNotFoundError) or status == 404:
        return Absent(text)
    named = type(error).__name__
    if isinstance(error, PermissionError) or any(word in named for word in _NO_CREDENTIALS):
        return Denied(text)
    if status is not None and 400 <= status < 500 and status not in {408, 429}:
        return Absent(text) if status == 416 else Denied(text)  # 416: it ends before where we asked
    return Unreachable(text)


def _status_of(error: BaseException | None) -> int | None:
    """Return the HTTP status of the answer that an error, or one that it came from, tells of."""
    for _ in range(5):
        response = getattr(error, "response", None)
        status = None
        if isinstance(response, dict):
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        elif type(error).__name__ in {
            "HttpError",
            "ClientResponseError",
        }:  # other errors have codes that no server sent
            status = getattr(error, "status", getattr(error, "code", None))
        if isinstance(status, int):
            return status
        if error is None or error.__cause__ is None:
            return None
        error = error.__cause__
    return None
