"""`assetctl keys`: the keys that sign what is shared."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assetctl.cli.session import Session
from assetctl.cli.verbs import Guide, Verb

if TYPE_CHECKING:
    from assetctl.engine.publishing.keys import Keys, PublicKey

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
    return _ACTIONS[action](session)


def _generate(session: Session) -> int:
    from assetctl.engine.publishing.keys import make_signing_key

    key = make_signing_key()
    session.say(f"wrote {key.where}")
    return _answer(session, key)


def _show(session: Session) -> int:
    from assetctl.engine.publishing.keys import own_signing_key

    return _answer(session, own_signing_key())


def _answer(session: Session, key: PublicKey) -> int:
    from assetctl.engine.publishing.keys import Keys

    if session.as_json:
        return _write(Keys((key,)))
    sys.stdout.write(f"{key.public}\n")
    session.say(f'others trust it with `trusted_keys = ["{key.public}"]` in pyproject.toml')
    return 0


def _list(session: Session) -> int:
    keys = _keys(session)
    if session.as_json:
        return _write(keys)
    for key in keys.own:
        sys.stdout.write(f"own      {key.id}  {key.public}  {key.where}\n")
    for key in keys.trusted:
        sys.stdout.write(f"trusted  {key.id}  {key.public}\n")
    if not keys.own:
        session.say("you have no signing key: assetctl keys generate")
    return 0


def _keys(session: Session) -> Keys:
    """Return the keys of the project that was named; of the one here, if there is one."""
    if session.project_path is not None or session.file is not None:
        return session.project.keys()
    from assetctl.engine.publishing.keys import keys_at

    return keys_at(Path.cwd())


def _write(keys: Keys) -> int:
    from assetctl.cli.text.json_output import write_json
    from assetctl.engine.documents.publishing import keys_json

    write_json(keys_json(keys))
    return 0


_ACTIONS = {"list": _list, "generate": _generate, "show": _show}
