"""The tree of verbs: their order, their one-line summaries, and the options that all of them take.

A verb's module is imported only when the verb is called: `assetctl --help` imports none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from assetctl.assets.errors import AssetctlError
from assetctl.assets.hints import did_you_mean
from assetctl.cli.session import Session

EXIT_CODES = {
    0: "done",
    1: "an asset or a blocking check failed",
    2: "wrong usage or declaration; nothing was run",
    3: "--check: something is not fresh",
    4: "corruption found",
    5: "gave up waiting for another process",
    6: "the machine refused (disk full, read-only, permission, remote unreachable)",
    70: "a bug in assetctl",
    130: "interrupted",
}

SECTIONS: dict[str, dict[str, str]] = {
    "Build": {
        "plan": "Say what would run, and why",
        "materialize": "Bring assets up to date, doing the least work that is enough",
        "accept": "Accept that refactored code gives the same data",
    },
    "Ask": {
        "status": "Say for each asset whether it is fresh, and when it was last materialized",
        "why": "Say why an asset is stale, back to the line that changed",
        "lineage": "Draw which asset reads which, coloured by verdict",
        "show": "Show one asset: schema, rows, provenance, metrics, a preview",
        "get": "Write an asset to a file, in its ordinary format",
        "sql": "Query assets and their lineage with SQL",
        "logs": "Print what steps printed",
        "history": "List what was materialized, newest first",
        "diff": "Compare two versions of an asset",
        "ls": "List assets",
    },
    "Keep": {
        "rollback": "Serve an earlier version of an asset, until that is lifted",
        "pin": "Keep versions from being cleaned up; list all pins",
        "mv": "Let an asset's history go on under its new name",
        "rm": "Forget assets; their bytes go with the next gc",
        "verify": "Hash what is stored again, and say what is corrupt and how to heal it",
        "doctor": "Look for damage in what is stored, and rebuild what can be",
        "gc": "Delete stored data that nothing needs any more",
        "push": "Upload results to the shared cache",
        "keys": "List, make or show the keys that sign what is shared",
        "sync": "Send what was recorded to the team's lineage store",
    },
    "Start": {
        "init": "Write a small working project",
        "completion": "Print the completion script for a shell",
        "version": "Print the version",
    },
}
ALIASES = {"build": "materialize"}
VERBS = frozenset(name for verbs in SECTIONS.values() for name in verbs)


@dataclass(frozen=True, slots=True)
class Guide:
    """What `--help` teaches besides options: examples (command, what it does) and possible exit codes."""

    examples: tuple[tuple[str, str], ...]
    exit_codes: tuple[int, ...] = (0, 2, 6, 70)


def _shared_options() -> list[click.Option]:
    return [
        click.Option(["-p", "--project"], metavar="DIR", help="The project's folder, or one inside it."),
        click.Option(["-f", "--file"], metavar="FILE", help="A single Python file that declares the assets."),
        click.Option(["--color"], type=click.Choice(["auto", "always", "never"]), help="When to use colour."),
        click.Option(["-q", "--quiet"], is_flag=True, help="Say only what went wrong."),
        click.Option(["-v", "--verbose"], is_flag=True, help="Say more: every reason, causes of errors."),
    ]


_JSON = "Print JSON instead; see docs/cli-json.md."


class Verb(click.Command):
    """A command that takes the shared options too, and gets a `Session` as its first argument."""

    def __init__(self, *args: Any, guide: Guide, json: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.guide = guide
        self.params = [*self.params, *([click.Option(["--json"], is_flag=True, help=_JSON)] if json else [])]
        self._shared = _shared_options()
        self.params += self._shared

    def invoke(self, ctx: click.Context) -> Any:
        here = {option.name: ctx.params.pop(option.name) for option in self._shared}
        as_json = bool(ctx.params.pop("json", False))
        above = ctx.parent.params if ctx.parent is not None else {}
        given = {name: value or above.get(name) for name, value in here.items()}
        ctx.obj = Session.of(given, as_json=as_json or bool(above.get("json")), verbs=VERBS)
        try:
            return super().invoke(ctx)
        except AssetctlError as error:
            error.problems = tuple(map(ctx.obj.typed.problem, error.problems))
            raise
        except click.UsageError as error:
            if type(error) is not click.UsageError:  # the others are about one option, and name no command
                raise
            raise click.UsageError(ctx.obj.typed(error.message), error.ctx) from error
        finally:
            ctx.obj.close()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [p for p in self.params if isinstance(p, click.Option) and p not in self._shared]
        own = [r for p in options if (r := p.get_help_record(ctx)) is not None]
        shared = [r for p in [*self._shared, *_help_option(self, ctx)] if (r := p.get_help_record(ctx)) is not None]
        for title, records in (("Options", own), ("Shared options", shared)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples"):
            formatter.write_dl(list(self.guide.examples))
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), EXIT_CODES[code]) for code in self.guide.exit_codes])


def _help_option(command: click.Command, ctx: click.Context) -> Sequence[click.Parameter]:
    option = command.get_help_option(ctx)
    return [] if option is None else [option]


class _Verbs(click.Group):
    """The verbs, known by name; a module is imported when its verb is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for verbs in SECTIONS.values() for name in verbs]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in self.list_commands(ctx):
            return None
        command = import_module(f"assetctl.cli.commands.{name}").command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            hint = did_you_mean(args[0], [*self.list_commands(ctx), *ALIASES])
            unknown = f"there is no command `{args[0]}`"
            raise click.UsageError(f"{unknown}; {hint}" if hint else unknown, ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(11), summary) for name, summary in verbs.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples"):
            formatter.write_dl(
                [
                    ("assetctl init shop", "write a project into the folder `shop`"),
                    ("assetctl plan", "what would run, and why; nothing is run"),
                    ("assetctl materialize model", "bring `model` and what it needs up to date"),
                    ("assetctl why model", "the line, value or upstream that made it stale"),
                ]
            )
        formatter.write_paragraph()
        formatter.write_text("`assetctl VERB --help` shows examples and exit codes of each verb.")


def _version(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
    if value:
        import assetctl

        click.echo(f"assetctl {assetctl.__version__}")
        ctx.exit()


_WIDTH = {"max_content_width": 100}


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], **_WIDTH})
def group(**_shared: object) -> None:
    """Keep data and models up to date: rebuild only what is stale, and say why."""


group.params += _shared_options()
group.params.append(click.Option(["--json"], is_flag=True, help=_JSON))
group.params.append(
    click.Option(
        ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
    )
)
