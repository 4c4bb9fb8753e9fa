"""`assetctl keys`: the keys that sign what is shared."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from assetctl.cli.session import Session
from assetctl.cli.verbs import Guide, Verb

if TYPE_CHECKING:
    from assetctl.storage.remote.keys import SigningKey

_GUIDE = Guide(
    (
        ("assetctl keys", "your own keys, and those that this project trusts"),
        ("assetctl keys generate", "make a signing key, which stays on this machine"),
        ("assetctl keys show", "the line that others put into `trusted_keys`"),
    ),
    (0, 2, 6, 70),
)


@click.command("keys", cls=Verb, guide=_GUIDE)
@click.argument("action", type=click.Choice(["list", "generate", "show"]), default="list")
@click.pass_obj
def command(session: Session, action: str) -> int:
    """List the keys that sign and are trusted, make a signing key, or show its public half.

    The private key lies in your configuration folder and is never shown. A CI job gets one
    in the variable ASSETCTL_SIGNING_KEY.
    """
    from assetctl.storage.remote.transport import Denied

    try:
        return _ACTIONS[action](session)
    except Denied as missing:
        from assetctl.assets.errors import EnvironmentFault

        raise EnvironmentFault.of("library-missing", str(missing)) from missing


def _generate(session: Session) -> int:
    from assetctl.storage.remote.keys import generate_key, keys_folder

    key = generate_key(keys_folder())
    session.say(f"wrote {key.where}")
    return _answer(session, key)


def _show(session: Session) -> int:
    from assetctl.assets.errors import SelectionError
    from assetctl.storage.remote.keys import keys_folder, signing_key

    key = signing_key(keys_folder())
    if key is None:
        raise SelectionError.of(
            "no-signing-key", "there is no signing key", hint="make one with `assetctl keys generate`"
        )
    return _answer(session, key)


def _answer(session: Session, key: SigningKey) -> int:
    if session.as_json:
        return _write({"own": [_own(key)], "trusted": []})
    sys.stdout.write(f"{key.public}\n")
    session.say(f'others trust it with `trusted_keys = ["{key.public}"]` in pyproject.toml')
    return 0


def _list(session: Session) -> int:
    from assetctl.storage.remote.keys import key_id, keys_folder, own_keys

    own, trusted = own_keys(keys_folder()), _trusted(session)
    if session.as_json:
        return _write(
            {"own": [_own(k) for k in own], "trusted": [{"id": key_id(public), "public": public} for public in trusted]}
        )
    for key in own:
        sys.stdout.write(f"own      {key_id(key.public)}  {key.public}  {key.where}\n")
    for public in trusted:
        sys.stdout.write(f"trusted  {key_id(public)}  {public}\n")
    if not own:
        session.say("you have no signing key: assetctl keys generate")
    return 0


def _trusted(session: Session) -> tuple[str, ...]:
    """Return the keys that the project here trusts; none where there is no project."""
    from assetctl.assets.errors import ProjectError
    from assetctl.engine.workspace.settings import find_settings

    if session.project_path is not None or session.file is not None:
        remote = session.project.workspace.settings.remote
    else:
        from pathlib import Path

        try:
            remote = find_settings(Path.cwd()).remote
        except ProjectError:
            return ()
    return remote.trusted_keys if remote is not None else ()


def _own(key: SigningKey) -> dict[str, Any]:
    from assetctl.storage.remote.keys import key_id

    return {"id": key_id(key.public), "public": key.public, "where": key.where}


def _write(document: dict[str, Any]) -> int:
    from assetctl.cli.text.json_output import write_json

    write_json({"schema": "assetctl.keys/1", **document})
    return 0


_ACTIONS = {"list": _list, "generate": _generate, "show": _show}
