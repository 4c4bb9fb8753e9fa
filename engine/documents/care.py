"""The state of what is stored, as JSON: gc, verify, doctor."""

from __future__ import annotations

from typing import Any

from assetctl.engine.care.clean_up import CleanedUp
from assetctl.engine.care.examine import Examined
from assetctl.engine.care.verify import Damaged, Verified


def gc_json(done: CleanedUp) -> dict[str, Any]:
    """Return what was deleted, or can be, as schema `assetctl.gc/1`."""
    return {
        "schema": "assetctl.gc/1",
        "applied": done.is_applied,
        "reclaims": [
            {
                "path": str(r.path),
                "digest": r.digest,
                "size_bytes": r.size_bytes,
                "why": r.why,
                "asset": r.target and r.target.asset,
            }
            for r in done.files
        ],
        "reclaimed_bytes": done.reclaimed_bytes,
        "n_kept": done.n_kept,
        "kept_bytes": done.kept_bytes,
        "assets": [
            {
                "asset": space.asset,
                "n_files": space.n_files,
                "reclaimed_bytes": space.reclaimed_bytes,
                "kept_bytes": space.kept_bytes,
            }
            for space in done.by_asset
            if space.asset is not None
        ],
        "n_spared": done.n_spared,
        "spared_bytes": done.spared_bytes,
        "gone_roots": [str(root) for root in done.gone_roots],
    }


def verify_json(verified: Verified) -> dict[str, Any]:
    """Return what is damaged as schema `assetctl.verify/1`."""
    return {
        "schema": "assetctl.verify/1",
        "sound": verified.is_sound,
        "corrupt": [_damaged(one) for one in verified.damaged if not one.is_missing],
        "missing": [_damaged(one) for one in verified.damaged if one.is_missing],
        "n_blobs": verified.n_blobs,
        "stored_bytes": verified.stored_bytes,
        "n_read": verified.n_read,
        "read_bytes": verified.read_bytes,
        "n_inline": verified.n_inline,
    }


def _damaged(damaged: Damaged) -> dict[str, Any]:
    use = damaged.use
    return {
        "asset": use and use.target.asset,
        "data_version": use and use.data_version,
        "materialization": use and use.materialization,
        "part": use.part if use else "",
        "latest": use.is_latest if use else None,
        "digest": damaged.digest,
        "file": str(damaged.path),
        "what": damaged.what,
        "hint": damaged.hint,
    }


def doctor_json(examined: Examined) -> dict[str, Any]:
    """Return everything that is wrong as schema `assetctl.doctor/1`."""
    findings = [{"severity": f.severity, "what": f.what, "where": f.where, "hint": f.hint} for f in examined.findings]
    return {"schema": "assetctl.doctor/1", "sound": examined.is_sound, "findings": findings}
