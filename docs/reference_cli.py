"""The page docs/cli.md: every verb with its usage, options, examples and exit codes, from the click commands.

What `--help` prints and what the page says come from the same objects, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import dedent

import click

from assetctl.cli.verbs import ALIASES, SECTIONS, Verb, group

HEADER = """\
# Command reference

Everything below is what `assetctl VERB --help` says. For how the commands work together, see
[The command line](commands.md).

"""


def page() -> str:
    """Return the whole page."""
    above = click.Context(group, info_name="assetctl")
    parts = [HEADER, _contents(), *_options("## Options of every command", _of_every_verb(above), above)]
    for section, names in SECTIONS.items():
        parts.append(f"## {section}\n\n")
        for name in names:
            parts += _verb(name, above)
    return "".join(parts).rstrip() + "\n"


def _contents() -> str:
    rows = [f"| [`{name}`](#{name}) | {summary} |" for verbs in SECTIONS.values() for name, summary in verbs.items()]
    return "\n".join(["| Command | Does |", "|---|---|", *rows]) + "\n\n"


def _of_every_verb(above: click.Context) -> list[click.Option]:
    first = group.get_command(above, next(iter(SECTIONS["Build"])))
    assert isinstance(first, Verb)
    return [option for option in first.params if isinstance(option, click.Option) and option in first._shared]


def _verb(name: str, above: click.Context) -> Iterator[str]:
    command = group.get_command(above, name)
    assert isinstance(command, Verb)
    context = click.Context(command, info_name=name, parent=above)
    usage = " ".join(["assetctl", name, *command.collect_usage_pieces(context)])
    yield f"### {name}\n\n```text\n{usage}\n```\n\n{_paragraphs(command.help or '')}\n\n"
    aliases = [alias for alias, verb in ALIASES.items() if verb == name]
    if aliases:
        yield f"`{'`, `'.join(aliases)}` is the same command.\n\n"
    own = [o for o in command.params if isinstance(o, click.Option) and o not in command._shared]
    yield from _options("", own, context)
    examples = [f"{call:<{_width(command)}}  # {does}" for call, does in command.guide.examples]
    if examples:
        yield "```bash\n" + "\n".join(examples) + "\n```\n\n"
    codes = ", ".join(map(str, command.guide.exit_codes))
    yield f"Exit codes: {codes} ([what they mean](commands.md#exit-codes)).\n\n"


def _width(command: Verb) -> int:
    return max(len(call) for call, _ in command.guide.examples)


def _options(title: str, options: Sequence[click.Option], context: click.Context) -> Iterator[str]:
    records = [record for option in options if (record := option.get_help_record(context)) is not None]
    if not records:
        return
    if title:
        yield f"{title}\n\n"
    yield "| Option | Means |\n|---|---|\n"
    for flags, text in records:
        yield f"| {_code(flags)} | {_cell(text)} |\n"
    yield "\n"


def _code(flags: str) -> str:
    """Return flags as code in a table; a `|` there is written so that every reader of Markdown shows it."""
    return f"<code>{flags.replace('|', '&#124;')}</code>" if "|" in flags else f"`{flags}`"


def _cell(text: str) -> str:
    """Return text as it stands in a table; the page that a help text names is linked."""
    linked = text.replace("docs/cli-json.md", "[JSON output](cli-json.md)")
    return " ".join(linked.split()).replace("|", "\\|")


def _paragraphs(text: str) -> str:
    """Return a help text as Markdown: paragraphs flow, and what click leaves as it is becomes a block."""
    return "\n\n".join(_paragraph(part) for part in _parts(text.splitlines()))


def _parts(lines: Iterable[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            part.append(line)
        elif part:
            yield part
            part = []


def _paragraph(lines: list[str]) -> str:
    if lines[0].strip() == "\b":  # click's mark for lines that are not to be wrapped
        return "```text\n" + dedent("\n".join(lines[1:])) + "\n```"
    return " ".join(line.strip() for line in lines)
