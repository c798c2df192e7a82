"""Printing: data on stdout, progress and errors on stderr, colours only on a terminal.

Text that is printed may come from a file or a database of another person. Characters that would control the terminal
are replaced in all of it. rich, which draws, is loaded when the first line is printed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sweep.errors import SweepError, UsageError


def print_error(error: SweepError) -> None:
    """Print an error in three lines: what went wrong, why, and the command to type next.

    Args:
        error: The error; lines that it lacks are left out.
    """
    from rich.markup import escape

    from sweep.cli.console import stderr

    stderr.print(f"[bold red]error:[/] {escape(error.what)}")
    if error.why:
        stderr.print(f"  why: {escape(error.why)}")
    if error.next:
        stderr.print(f" next: {escape(error.next)}")


def echo(value: object) -> None:
    """Print one line of data on stdout, unbroken however long it is.

    Args:
        value: Its text is printed.
    """
    from rich.markup import escape

    from sweep.cli.console import stdout

    stdout.print(escape(str(value)), soft_wrap=True)


def print_line(text: str) -> None:
    """Print a sentence on stdout, broken at the width of the terminal.

    Args:
        text: The sentence; brackets in it are no markup.
    """
    from sweep.cli.console import stdout

    stdout.print(text, markup=False)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on stdout.

    Args:
        title: Text above the table; empty for none.
        columns: Headings of the columns.
        rows: A value for each column; None is shown as a dash.
    """
    from sweep.cli.console import plain_table, stdout

    stdout.print(plain_table(title, columns, rows))


def print_json(value: Any) -> None:
    """Print one JSON document on stdout.

    Args:
        value: Mappings, sequences, numbers and text; anything else is printed as its text.
    """
    json.dump(value, sys.stdout, indent=2, default=str, allow_nan=False)
    sys.stdout.write("\n")


def print_text(text: str) -> None:
    """Print a text on stdout exactly as it is.

    Args:
        text: Its control characters, if it had any, are escaped already.
    """
    sys.stdout.write(text)


def ask(question: str, default: str | None = None) -> str:
    """Ask a person on stderr, until there is an answer.

    Args:
        question: The question, in one line.
        default: What an empty answer stands for; None where an answer is needed.

    Raises:
        UsageError: The input has ended.
    """
    while True:
        sys.stderr.write(f"{question}{'' if default is None else f' [{default}]'}: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise UsageError("the input ended before the last question", next="Give the answers as options.")
        if answer := line.strip() or default:
            return answer


@contextmanager
def spinner(text: str) -> Iterator[None]:
    """Show on stderr that something is under way, while the context lasts.

    Args:
        text: What is under way.

    Yields:
        Nothing.
    """
    from sweep.cli.console import stderr

    with stderr.status(text, spinner="line"):
        yield
