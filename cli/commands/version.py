"""`assetctl version`: which release this is, and what it runs on."""

from __future__ import annotations

import platform
import sys

import click

import assetctl
from assetctl.cli.session import Session
from assetctl.cli.verbs import Guide, Verb

_GUIDE = Guide(
    (("assetctl version", "the version"), ("assetctl version --json", "with Python and platform, for bug reports")),
    (0,),
)


@click.command("version", cls=Verb, guide=_GUIDE)
@click.pass_obj
def command(session: Session) -> int:
    """Print the version."""
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.command import version_json

        write_json(version_json(assetctl.__version__, platform.python_version(), platform.platform()))
    else:
        sys.stdout.write(f"assetctl {assetctl.__version__}\n")
    return 0
