"""The page of all commands, laid out by us: click's own layout differs from release to release."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator

import click

_WIDTH = 78
#: Names of options up to this length have their help beside them.
_NAME_WIDTH = 28
_INTRODUCTION = """\
# Commands

Generated from the code; `kb VERB --help` says the same in another layout.
Every verb takes `--help`; `kb --debug VERB` shows the traceback of an error.
"""
#: What a value is called where the option does not say it.
_VALUES: dict[type, str] = {
    click.IntRange: "N",
    click.FloatRange: "NUMBER",
    click.types.IntParamType: "N",
    click.types.FloatParamType: "NUMBER",
    click.DateTime: "YYYY-MM-DD",
    click.Path: "PATH",
}


def command_reference(cli: click.Group) -> str:
    """Every command and its options, as one Markdown page."""
    context = click.Context(cli)
    parts = [_INTRODUCTION]
    for verb in cli.list_commands(context):
        command = cli.get_command(context, verb)
        parts += _sections(command, f"kb {verb}", "##") if command else []
    return "\n".join(parts)


def _sections(command: click.Command, name: str, mark: str) -> Iterator[str]:
    """The section of a command and those of the commands below it."""
    yield f"{mark} {name}\n\n```text\n{section_text(command, name)}\n```\n"
    if isinstance(command, click.Group):
        context = click.Context(command)
        for verb in command.list_commands(context):
            if below := command.get_command(context, verb):
                yield from _sections(below, f"{name} {verb}", mark + "#")


def section_text(command: click.Command, name: str) -> str:
    """How a command is called, what it does, and each of its options."""
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    words = [name, *(["[OPTIONS]"] if options else []), *map(_argument, arguments)]
    if isinstance(command, click.Group):
        words.append("COMMAND" if not command.invoke_without_command else "[COMMAND]")
    parts = [" ".join(words), *_paragraphs(command.help or "")]
    width = min(max((len(_called(one)) for one in options), default=0), _NAME_WIDTH)
    rows = [_row(_called(one), _help(one), width) for one in options]
    return "\n\n".join([*parts, *(["\n".join(rows)] if rows else [])])


def _argument(argument: click.Argument) -> str:
    name = (argument.metavar or (argument.name or "").upper()).strip("[].")
    name = f"{name}..." if argument.nargs == -1 else name
    return name if argument.required else f"[{name}]"


def _paragraphs(text: str) -> Iterator[str]:
    r"""The paragraphs of a docstring, wrapped; one that begins with `\b` stays as it is."""
    for paragraph in inspect.cleandoc(text).partition("\f")[0].split("\n\n"):
        kept = paragraph.removeprefix("\b\n")
        lines = kept if kept != paragraph else textwrap.fill(" ".join(kept.split()), _WIDTH - 2)
        yield textwrap.indent(lines, "  ")


def _called(option: click.Option) -> str:
    """An option as it is typed: its names, and what its value is called."""
    names = ", ".join(option.opts) + "".join(f" / {name}" for name in option.secondary_opts)
    return names if option.is_flag or option.count else f"{names} {_value(option)}"


def _value(option: click.Option) -> str:
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return f"[{'|'.join(option.type.choices)}]"
    return _VALUES.get(type(option.type), "TEXT")


def _help(option: click.Option) -> str:
    parts = [" ".join((option.help or "").split())]
    if isinstance(option.type, click.IntRange | click.FloatRange):
        parts.append(_bounds(option.type.min, option.type.max))
    if option.required:
        parts.append("Required.")
    elif option.show_default:
        parts.append(f"Default: {option.default}.")
    return " ".join(part for part in parts if part)


def _bounds(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f"From {least:g} to {most:g}."
    return f"At least {least:g}." if least is not None else ""


def _row(name: str, sentence: str, width: int) -> str:
    """A row of two columns; a long name has its help on the lines below."""
    indent = " " * (width + 4)
    text = textwrap.fill(sentence, _WIDTH, initial_indent=indent, subsequent_indent=indent)
    if len(name) > width:
        return f"  {name}\n{text}"
    return f"  {name:<{width}}  {text.lstrip()}".rstrip()
