"""The keys that sign what is shared: a person's own, and those that a project trusts.

A private key stays in its file, or in the variable it came in: what is handed out here
is public.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assetctl.assets.errors import EnvironmentFault, ProjectError, SelectionError
from assetctl.engine.sharing.settings import RemoteSettings
from assetctl.engine.workspace.settings import find_settings
from assetctl.engine.workspace.workspace import Workspace
from assetctl.storage.remote.keys import SigningKey, generate_key, key_id, keys_folder, own_keys, signing_key
from assetctl.storage.remote.transport import Denied


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half of a key. `where` is the file, or the variable, of one's own; None for a key of others."""

    id: str
    public: str
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one's own, and those that a project trusts."""

    own: tuple[PublicKey, ...]
    trusted: tuple[PublicKey, ...] = ()


def keys_of(workspace: Workspace) -> Keys:
    """Return one's own keys, and those that this project trusts.

    Raises:
        EnvironmentFault: a key cannot be read, or the package `cryptography` is not installed.
    """
    return Keys(_own(), _trusted(workspace.settings.remote))


def keys_at(folder: Path) -> Keys:
    """Return one's own keys, and those that the project of a folder trusts; there need be no project.

    Raises:
        EnvironmentFault: a key cannot be read, or the package `cryptography` is not installed.
    """
    own = _own()
    try:
        remote = find_settings(folder).remote
    except ProjectError:
        return Keys(own)
    return Keys(own, _trusted(remote))


def make_signing_key() -> PublicKey:
    """Write a new signing key to the person's configuration folder; one that is there is never overwritten.

    Raises:
        SelectionError: there is one already.
        EnvironmentFault: it cannot be written, or the package `cryptography` is not installed.
    """
    with _needing_cryptography():
        return _public(generate_key(keys_folder()))


def own_signing_key() -> PublicKey:
    """Return the key that signs what is shared from here.

    Raises:
        SelectionError: there is none.
        EnvironmentFault: it cannot be read, or the package `cryptography` is not installed.
    """
    with _needing_cryptography():
        key = signing_key(keys_folder())
    if key is None:
        raise SelectionError.of(
            "no-signing-key", "there is no signing key", hint="make one with `assetctl keys generate`"
        )
    return _public(key)


def _own() -> tuple[PublicKey, ...]:
    with _needing_cryptography():
        return tuple(map(_public, own_keys(keys_folder())))


def _trusted(remote: RemoteSettings | None) -> tuple[PublicKey, ...]:
    keys: Sequence[str] = remote.trusted_keys if remote is not None else ()
    return tuple(PublicKey(key_id(public), public) for public in keys)


def _public(key: SigningKey) -> PublicKey:
    return PublicKey(key_id(key.public), key.public, key.where)


@contextmanager
def _needing_cryptography() -> Iterator[None]:
    try:
        yield
    except Denied as missing:
        raise EnvironmentFault.of("library-missing", str(missing)) from missing
