"""Ed25519 keys: who signed what lies in a shared cache.

A public key is one line of text, `ed25519:` and base64, as `trusted_keys` lists it. A
private one is a line too, in a file that only its owner can read, or in the variable
`ASSETCTL_SIGNING_KEY`, which is taken out of the environment before any code of the
project is imported, and out of the memory that the system shows as this process's
environment (`/proc/PID/environ`, `ps e`): no step, worker, log or record ever sees it.
"""

from __future__ import annotations

import base64
import os
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assetctl.assets.errors import EnvironmentFault, Problem, SelectionError
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.remote.transport import Denied, install_hint
from assetctl.storage.state.format import environment_fault

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VARIABLE = "ASSETCTL_SIGNING_KEY"
PUBLIC, PRIVATE = "ed25519:", "ed25519-private:"
SIGNING_FILE = "signing.key"
_N_BYTES = 32
_taken: list[str] = []  # what was in the environment, once it is out of it


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A person's own key. `where` is its file, or the name of the variable that held it."""

    public: str
    where: str
    private: Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"<signing key {key_id(self.public)}>"

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


def key_id(public: str) -> str:
    """Return the short name of a public key, by which people compare."""
    return digest_bytes(public.encode()).removeprefix("b3:")[:16]


def keys_folder() -> Path:
    """Return where a person's own keys lie."""
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "assetctl" / "keys"


def hide_signing_key() -> None:
    """Take the signing key out of the environment, so that nothing that runs from now on can see it there."""
    if VARIABLE not in os.environ:
        return
    _overwrite(VARIABLE)
    given = os.environ.pop(VARIABLE)
    _as_at_the_start().pop(os.fsencode(VARIABLE), None)
    if given:
        _taken[:] = [given.strip()]


def _overwrite(name: str) -> None:
    """Fill a variable's text with zeros where it lies: the system goes on showing that memory after it is unset."""
    import ctypes

    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    address = libc.getenv(os.fsencode(name))
    if address:
        ctypes.memset(address, 0, len(ctypes.string_at(address)))


def _as_at_the_start() -> dict[bytes, bytes]:
    """Return what the interpreter remembers of the environment that it was started with."""
    import posix

    return posix.environ


def hidden_texts() -> tuple[str, ...]:
    """Return the texts that must not show anywhere: the private key of the environment."""
    return tuple({part for text in _taken for part in (text, text.removeprefix(PRIVATE))})


def signing_key(folder: Path) -> SigningKey | None:
    """Return the key to sign with: the environment's, else the one in the folder, else None.

    Raises:
        Denied: the package `cryptography` is not installed.
        EnvironmentFault: the key cannot be read, or others can read it too.
    """
    hide_signing_key()
    if _taken:
        return _parsed(_taken[0], VARIABLE)
    path = folder / SIGNING_FILE
    return read_key_file(path) if path.exists() else None


def own_keys(folder: Path) -> list[SigningKey]:
    """Return all of a person's own keys: the one in the environment and every `*.key` file of the folder."""
    hide_signing_key()
    from_environment = [_parsed(_taken[0], VARIABLE)] if _taken else []
    return [*from_environment, *(read_key_file(path) for path in sorted(folder.glob("*.key")))]


def read_key_file(path: Path) -> SigningKey:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise EnvironmentFault(
                Problem(
                    "signing-key-exposed",
                    "a private key can be read by others",
                    (("file", str(path)),),
                    f"run `chmod 600 {shlex.quote(str(path))}`",
                )
            )
        text = path.read_text("ascii", errors="replace").strip()
    except OSError as cause:
        raise environment_fault(cause, path, "a private key cannot be read") from cause
    return _parsed(text, str(path))


def generate_key(folder: Path) -> SigningKey:
    """Write a new private key to the folder and return it; an existing key is never overwritten.

    Raises:
        SelectionError: there is one already.
        EnvironmentFault: the folder cannot be written.
    """
    path = folder / SIGNING_FILE
    text = PRIVATE + base64.b64encode(_algorithm().generate().private_bytes_raw()).decode()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as cause:
        raise SelectionError(
            Problem(
                "signing-key-exists",
                "there is a signing key already",
                (("file", str(path)),),
                "use it (`assetctl keys show`), or rename it to another `*.key` and run this again",
            )
        ) from cause
    except OSError as cause:
        raise environment_fault(cause, path, "a private key cannot be written") from cause
    return _parsed(text, str(path))


def is_public_key(text: str) -> bool:
    """Say whether a text is a public key as `trusted_keys` lists them."""
    return text.startswith(PUBLIC) and _decoded(text.removeprefix(PUBLIC)) is not None


def is_signed(public: str, signature: bytes, message: bytes) -> bool:
    """Say whether a signature of a message was made with the private key of `public`.

    Raises:
        Denied: the package `cryptography` is not installed.
    """
    _algorithm()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    raw = _decoded(public.removeprefix(PUBLIC)) if public.startswith(PUBLIC) else None
    if raw is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _parsed(text: str, where: str) -> SigningKey:
    raw = _decoded(text.removeprefix(PRIVATE)) if text.startswith(PRIVATE) else None
    if raw is None:
        raise EnvironmentFault(
            Problem(
                "bad-signing-key",
                "a private key cannot be read: it is not one line of `ed25519-private:` and base64",
                (("in", where),),
                "make one with `assetctl keys generate`",
            )
        )
    private = _algorithm().from_private_bytes(raw)
    public = PUBLIC + base64.b64encode(private.public_key().public_bytes_raw()).decode()
    return SigningKey(public, where, private)


def _decoded(text: str) -> bytes | None:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if len(raw) == _N_BYTES else None


def _algorithm() -> type[Ed25519PrivateKey]:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError as cause:
        raise Denied(f"the package `cryptography` is not installed: {install_hint('')}") from cause
    return Ed25519PrivateKey
