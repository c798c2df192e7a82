"""`sweep docs`: the documentation that comes with the package."""

from __future__ import annotations

from typing import Annotated

import typer

from sweep.cli.options import complete_topic
from sweep.cli.terminal import echo
from sweep.docs import page, titles


def docs_command(
    topic: Annotated[
        str | None,
        typer.Argument(help="Name of a page; without it, all pages are listed.", autocompletion=complete_topic),
    ] = None,
) -> None:
    """Show a page of the documentation, or list the pages.

    The pages come with the package, so they can be read on a cluster without a network.

    \b
    Examples: sweep docs
              sweep docs designs
              sweep docs study-file | less
    """
    if topic is not None:
        echo(page(topic))
        return
    names = titles()
    width = max(map(len, names))
    echo("\n".join(f"{name:<{width}}  {title}" for name, title in names.items()))
