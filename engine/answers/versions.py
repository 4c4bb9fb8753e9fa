"""Read what a person names as `ASSET` or `ASSET@VERSION`."""

from __future__ import annotations

from assetctl.assets.errors import Problem, SelectionError
from assetctl.assets.ids import AssetKey

CANDIDATE = "candidate"
"""The version that a blocking check held back, as long as nothing newer was published."""


def split_version(asset: str) -> tuple[str, str | None]:
    """Return (asset, version) of `ASSET` or `ASSET@VERSION`."""
    key, _, version = asset.partition("@")
    return key, version or None


def named(asset: str, version: str | None) -> tuple[AssetKey, str | None]:
    """Return the key and the version that are named, together as `ASSET@VERSION` or each for itself.

    Raises:
        SelectionError: two versions are named.
    """
    key, within = split_version(asset)
    if within is not None and version is not None:
        problem = Problem("contradicting-options", f"`{asset}` names a version, and `{version}` is another")
        raise SelectionError(problem)
    return AssetKey(key), version if within is None else within
