"""What was shared with others, and the keys that sign it, as JSON: push, sync, keys."""

from __future__ import annotations

from typing import Any

from assetctl.engine.publishing.keys import Keys
from assetctl.engine.publishing.push import Pushed
from assetctl.engine.publishing.team import Synced


def push_json(pushed: Pushed) -> dict[str, Any]:
    """Return what was uploaded as schema `assetctl.push/1`."""
    return {
        "schema": "assetctl.push/1",
        "remote": pushed.remote,
        "shared": list(pushed.shared),
        "present": list(pushed.present),
        "not_fresh": list(pushed.not_fresh),
        "size_bytes": pushed.size_bytes,
    }


def sync_json(synced: Synced) -> dict[str, Any]:
    """Return what a team's store was sent as schema `assetctl.sync/1`."""
    return {
        "schema": "assetctl.sync/1",
        "store": synced.store,
        "project": synced.project,
        "facts_sent": synced.n_facts,
    }


def keys_json(keys: Keys) -> dict[str, Any]:
    """Return one's own keys and those that are trusted as schema `assetctl.keys/1`."""
    return {
        "schema": "assetctl.keys/1",
        "own": [{"id": key.id, "public": key.public, "where": key.where} for key in keys.own],
        "trusted": [{"id": key.id, "public": key.public} for key in keys.trusted],
    }
