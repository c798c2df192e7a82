"""The list of commands in `sweep --help`, under a heading for each purpose."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from typer.core import TyperGroup


class CommandGroup(StrEnum):
    """What a command is for, in the order of the help text."""

    RUN = "Run a study"
    WATCH = "Watch a study"
    CHANGE = "Change a running study"
    REPORT = "Report results"
    MAINTAIN = "Maintain the database and the machine"
    LEARN = "Learn more"


class GroupedCommands(TyperGroup):
    """A group whose help lists its commands by their `rich_help_panel`, also without rich's markup."""

    # The types of click, which recent releases of typer bring along, are private to typer.
    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section for each `CommandGroup`.

        Args:
            ctx: Context of the command.
            formatter: What the sections are written to.
        """
        shown = {name: command for name, command in self.commands.items() if not command.hidden}
        name_width = max(map(len, shown))
        limit = formatter.width - 6 - name_width
        for group in CommandGroup:
            rows = [
                (name.ljust(name_width), command.get_short_help_str(limit))
                for name, command in shown.items()
                if getattr(command, "rich_help_panel", None) == group
            ]
            with formatter.section(group.value):
                formatter.write_dl(rows)
