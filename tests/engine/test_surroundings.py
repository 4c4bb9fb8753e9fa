"""Waiting for a step that another process builds: said by name, and not for ever if that process is stopped."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from assetctl.assets.errors import WaitTimeout
from assetctl.assets.ids import Target
from assetctl.engine.runs import surroundings
from assetctl.engine.runs.surroundings import ProjectSurroundings
from assetctl.lineage.facts.records import RunId
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.lock import step_lock_file
from tests.storage.test_lock import end, start_holder


def test_a_stopped_builder_is_named_and_waited_for_only_so_long(tmp_path: Path, monkeypatch) -> None:
    layout, step = Layout.of(tmp_path), cast("Any", SimpleNamespace(target=Target.parse("model")))
    around = ProjectSurroundings(cast("Any", SimpleNamespace(layout=layout)), cast("Any", None), RunId("r"), (), {})
    monkeypatch.setattr(surroundings, "_LOOK_S", 0.0)
    holder = start_holder(step_lock_file(layout, step.target))
    who = f"process {holder.pid} ("
    try:
        monkeypatch.setattr(surroundings, "_STOPPED_S", -1.0)
        assert around.try_lock(step) is None, "as long as it works, it is waited for"
        assert around.waits_for(step).startswith(f"waiting for {who}")
        assert around.waits_for(step).endswith("), which is building `model`")
        holder.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, holder.pid, os.WSTOPPED)
        assert f"`kill -CONT {holder.pid}`" in around.waits_for(step)
        with pytest.raises(WaitTimeout) as gave_up:
            around.try_lock(step)
        assert who in dict(gave_up.value.problems[0].facts).get("held by", who)
        monkeypatch.setattr(surroundings, "_STOPPED_S", 120.0)
        assert around.try_lock(step) is None
    finally:
        end(holder)
    lock = around.try_lock(step)
    assert lock is not None
    lock.__exit__(None, None, None)
