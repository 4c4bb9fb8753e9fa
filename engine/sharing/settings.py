"""The settings of the shared cache: where it lies, whether it is written to, whose keys are trusted.

The environment may only take away: it can make a cache read-only, or leave it alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assetctl.assets.errors import ProjectError

MODE_VARIABLE = "ASSETCTL_REMOTE_MODE"
_MODES = ("off", "read-only", "read-write")  # from the least to the most


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """`remote` is an address (`s3://bucket/prefix`) or a folder, which may be relative to the project."""

    remote: str
    is_read_only: bool = False
    trusted_keys: tuple[str, ...] = ()


def remote_settings(table: dict[str, Any], path: Path, lowered_to: str | None) -> RemoteSettings | None:
    """Return what a project says about its shared cache; None if it has none or leaves it alone.

    `lowered_to` is what the environment asks for.

    Raises:
        ProjectError: a setting has a value that it cannot have.
    """
    remote, trusted = table.get("remote"), table.get("trusted_keys", [])
    mode = _mode(table.get("remote_mode", "read-write"), f"`remote_mode` in {path}")
    if lowered_to:
        mode = min(mode, _mode(lowered_to, f"`{MODE_VARIABLE}` in the environment"))
    if remote is not None and (not isinstance(remote, str) or not remote.strip()):
        raise ProjectError.of(
            "bad-setting",
            f"`remote = {remote!r}` is no address",
            ("in", str(path)),
            hint='remote = "s3://bucket/prefix" or a folder',
        )
    _require_public_keys(trusted, path)
    if remote is None or mode == 0:
        return None
    return RemoteSettings(remote.strip().rstrip("/") or "/", mode == 1, tuple(trusted))


def _mode(value: object, where: str) -> int:
    if isinstance(value, str) and value in _MODES:
        return _MODES.index(value)
    choices = ", ".join(f'"{mode}"' for mode in _MODES)
    raise ProjectError.of("bad-setting", f"{where} is none of {choices}", ("it is", repr(value)))


def _require_public_keys(trusted: object, path: Path) -> None:
    if not isinstance(trusted, list):
        raise ProjectError.of(
            "bad-setting", "`trusted_keys` is not a list of public keys", ("in", str(path)), hint=_HINT
        )
    if trusted:
        from assetctl.storage.remote.keys import is_public_key

        for key in trusted:
            if not isinstance(key, str) or not is_public_key(key):
                shown = "one" if "private" in str(key) else repr(key)
                raise ProjectError.of(
                    "bad-setting", f"{shown} of `trusted_keys` is no public key", ("in", str(path)), hint=_HINT
                )


_HINT = "`assetctl keys show` prints the line to put there"
