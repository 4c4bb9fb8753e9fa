"""The link to a project's remote: opened when it is first needed, and warned of once when it does not work.

It asks and warns; which questions to ask is up to its callers. A remote that cannot be used
gives every question its fallback, so that whoever asks goes on without it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from assetctl.assets.errors import EnvironmentFault, Problem
from assetctl.storage.remote.open import open_transport
from assetctl.storage.remote.store import RemoteStore
from assetctl.storage.remote.transport import Denied, RemoteFault

_T = TypeVar("_T")

_MOST_WARNINGS = 6


class RemoteLink:
    """Safe to use from several threads."""

    def __init__(self, remote: str, root: Path) -> None:
        self.remote = remote
        self.warnings: list[str] = []
        self.fault: RemoteFault | None = None
        self._root = root
        self._lock = threading.Lock()
        self._store: RemoteStore | None = None
        self._said: dict[str, int] = {}

    @property
    def store(self) -> RemoteStore | None:
        """The remote, or None (after a warning) if it cannot be opened."""
        with self._lock:
            if self._store is None and self.fault is None:
                try:
                    self._store = RemoteStore(open_transport(self.remote, self._root))
                except Denied as fault:
                    self.fault = fault
        if self._store is None and self.fault is not None:
            self.fail(self.fault)
        return self._store

    def ask(self, question: Callable[[RemoteStore], _T], fallback: _T) -> _T:
        """Return the remote's answer, or the fallback if there is none."""
        store = self.store
        if store is None:
            return fallback
        try:
            return question(store)
        except RemoteFault as fault:
            self.fail(fault)
            return fallback

    def fail(self, fault: RemoteFault) -> None:
        """Note that the remote does not work; this is reported once, however often it is asked."""
        self.fault = fault
        self._warn_once("the remote", f"the shared cache {self.remote} cannot be used: {fault}; going on without it")

    def forget(self) -> None:
        """Give a remote that did not work another chance."""
        with self._lock:
            if self.fault is not None:
                self._store = self.fault = None
            self._said.clear()

    def warn(self, text: str) -> None:
        """Warn about something in the remote; only the first few such warnings are kept."""
        with self._lock:
            n_said = self._said["entries"] = self._said.get("entries", 0) + 1
        if n_said < _MOST_WARNINGS:
            self.warnings.append(text)
        elif n_said == _MOST_WARNINGS:
            self.warnings.append(f"there is more in {self.remote} that was not used")

    def take_warnings(self) -> list[str]:
        """Return the warnings that were not given yet."""
        pending, self.warnings[:] = list(self.warnings), []
        return pending

    def require(self) -> RemoteStore:
        """Return the remote, for a command that cannot go on without it.

        Raises:
            EnvironmentFault: it cannot be opened or does not answer.
        """
        store = self.store
        if store is not None:
            self.ask(lambda remote: remote.check(), None)
        if store is None or self.fault is not None:
            raise self.as_error()
        return store

    def as_error(self) -> EnvironmentFault:
        """Return why the remote cannot be used as an error, in place of the warning."""
        self.warnings.clear()
        return EnvironmentFault(
            Problem(
                "shared-cache-unreachable",
                f"the shared cache {self.remote} cannot be reached",
                (("reason", str(self.fault)),),
                "check the network, the address (`remote` in pyproject.toml) and the credentials",
            )
        )

    def _warn_once(self, about: str, text: str) -> None:
        with self._lock:
            if about in self._said:
                return
            self._said[about] = 1
        self.warnings.append(text)
