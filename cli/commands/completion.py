"""`assetctl completion`: the script that makes a shell complete verbs, options and asset names."""

from __future__ import annotations

import sys

import click
from click.shell_completion import get_completion_class

from assetctl.cli.session import Session
from assetctl.cli.verbs import Guide, Verb, group

_GUIDE = Guide(
    (
        ('eval "$(assetctl completion bash)"', "in ~/.bashrc"),
        ('eval "$(assetctl completion zsh)"', "in ~/.zshrc"),
        ("assetctl completion fish > ~/.config/fish/completions/assetctl.fish", "once"),
    ),
    (0, 2),
)


@click.command("completion", cls=Verb, guide=_GUIDE, json=False)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_obj
def command(_session: Session, shell: str) -> int:
    """Print the completion script for SHELL. Asset names are completed without importing the project."""
    completion = get_completion_class(shell)
    assert completion is not None, "the three shells are known"
    sys.stdout.write(completion(group, {}, "assetctl", "_ASSETCTL_COMPLETE").source() + "\n")
    return 0
