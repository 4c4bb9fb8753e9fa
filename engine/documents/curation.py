"""What a person decided about recorded versions, as JSON: accept, pin, rollback, mv, rm."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from assetctl.engine.curation.accept import Accepted
from assetctl.engine.curation.forget import ForgottenAssets
from assetctl.engine.curation.pin import Pins
from assetctl.engine.curation.rename import Moved
from assetctl.engine.curation.rollback import RolledBack
from assetctl.engine.documents.parts import pin_json


def accept_json(accepted: Accepted) -> dict[str, Any]:
    """Return what was accepted as schema `assetctl.accept/1`."""
    return {
        "schema": "assetctl.accept/1",
        "assets": list(accepted.assets),
        "changed": accepted.changed,
        "verified": accepted.verified,
        "data_versions": list(accepted.data_versions),
    }


def pins_json(pins: Pins) -> dict[str, Any]:
    """Return the pins in force as schema `assetctl.pin/1`."""
    return {
        "schema": "assetctl.pin/1",
        "pins": [pin_json(pin) for pin in pins.pins],
        "set": pin_json(pins.set_) if pins.set_ is not None else None,
        "lifted": [pin_json(pin) for pin in pins.lifted],
    }


def rollback_json(done: RolledBack) -> dict[str, Any]:
    """Return what is served from now on, or no longer, as schema `assetctl.rollback/1`."""
    shown = done.pins or done.lifted
    return {
        "schema": "assetctl.rollback/1",
        "asset": done.asset,
        "lifted": bool(done.lifted),
        "assets": [pin.target.asset for pin in shown],
        "data_versions": {pin.target.asset: pin.data_version for pin in shown},
        "materialization_id": shown[0].materialization_id,
        "origin": done.origin,
        "note": shown[0].note,
    }


def moved_json(moved: Moved) -> dict[str, Any]:
    """Return a change of name as schema `assetctl.mv/1`."""
    return {
        "schema": "assetctl.mv/1",
        "old": moved.old,
        "new": moved.new,
        "changed": moved.changed,
        "data_version": moved.data_version,
    }


def forgotten_json(done: ForgottenAssets) -> dict[str, Any]:
    """Return what was forgotten as schema `assetctl.rm/1`."""
    return {
        "schema": "assetctl.rm/1",
        "recorded": done.recorded,
        "assets": [asdict(asset) for asset in done.assets],
        "size_bytes": sum(asset.size_bytes for asset in done.assets),
    }
