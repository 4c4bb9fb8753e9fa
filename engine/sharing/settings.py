"""The settings of the shared cache: where it lies, whether it is written to, whose keys are trusted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """`remote` is an address (`s3://bucket/prefix`) or a folder, which may be relative to the project."""

    remote: str
    is_read_only: bool = False
    trusted_keys: tuple[str, ...] = ()
