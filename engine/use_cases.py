"""Every use case of the front door by its name, each imported from its room when it is first called.

A plan does not wait for what only a run or a clean-up needs. Planning itself is imported
by whoever plans.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assetctl.engine.answers.compare import compare_versions
    from assetctl.engine.answers.declared import declared_assets
    from assetctl.engine.answers.explain import explain
    from assetctl.engine.answers.find import find_recorded, history_of
    from assetctl.engine.answers.logs import logs_of
    from assetctl.engine.answers.picture import picture
    from assetctl.engine.answers.read import export_value, load_value, open_file, write_file
    from assetctl.engine.answers.show import look_at
    from assetctl.engine.answers.sql import answer
    from assetctl.engine.answers.status import draw_lineage, states_of
    from assetctl.engine.care.clean_up import CleanUpOptions, clean_up
    from assetctl.engine.care.examine import examine_state, rebuild_database
    from assetctl.engine.care.verify import VerifyOptions, verify
    from assetctl.engine.curation.accept import accept
    from assetctl.engine.curation.forget import forget
    from assetctl.engine.curation.pin import keep, pins_in_force, stop_keeping
    from assetctl.engine.curation.rename import move
    from assetctl.engine.curation.rollback import roll_back_or_lift
    from assetctl.engine.publishing.keys import keys_of, make_signing_key, own_signing_key
    from assetctl.engine.publishing.push import push
    from assetctl.engine.publishing.team import asked, sync
    from assetctl.engine.runs.start import Asked, materialize
    from assetctl.engine.workspace.known_names import remember_names

__all__ = [
    "Asked",
    "CleanUpOptions",
    "VerifyOptions",
    "accept",
    "answer",
    "asked",
    "clean_up",
    "compare_versions",
    "declared_assets",
    "draw_lineage",
    "examine_state",
    "explain",
    "export_value",
    "find_recorded",
    "forget",
    "history_of",
    "keep",
    "keys_of",
    "load_value",
    "logs_of",
    "look_at",
    "make_signing_key",
    "materialize",
    "move",
    "open_file",
    "own_signing_key",
    "picture",
    "pins_in_force",
    "push",
    "rebuild_database",
    "remember_names",
    "roll_back_or_lift",
    "states_of",
    "stop_keeping",
    "sync",
    "verify",
    "write_file",
]

_HOMES = {
    "Asked": "runs.start",
    "CleanUpOptions": "care.clean_up",
    "VerifyOptions": "care.verify",
    "accept": "curation.accept",
    "answer": "answers.sql",
    "asked": "publishing.team",
    "clean_up": "care.clean_up",
    "compare_versions": "answers.compare",
    "declared_assets": "answers.declared",
    "draw_lineage": "answers.status",
    "examine_state": "care.examine",
    "explain": "answers.explain",
    "export_value": "answers.read",
    "find_recorded": "answers.find",
    "forget": "curation.forget",
    "history_of": "answers.find",
    "keep": "curation.pin",
    "keys_of": "publishing.keys",
    "load_value": "answers.read",
    "logs_of": "answers.logs",
    "look_at": "answers.show",
    "make_signing_key": "publishing.keys",
    "materialize": "runs.start",
    "move": "curation.rename",
    "open_file": "answers.read",
    "own_signing_key": "publishing.keys",
    "picture": "answers.picture",
    "pins_in_force": "curation.pin",
    "push": "publishing.push",
    "rebuild_database": "care.examine",
    "remember_names": "workspace.known_names",
    "roll_back_or_lift": "curation.rollback",
    "states_of": "answers.status",
    "stop_keeping": "curation.pin",
    "sync": "publishing.team",
    "verify": "care.verify",
    "write_file": "answers.read",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    use_case: object = getattr(import_module(f"assetctl.engine.{home}"), name)
    setattr(sys.modules[__name__], name, use_case)
    return use_case
