"""`sweep schema`, `sweep version`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweep import api
from sweep.cli.options import Json
from sweep.cli.terminal import echo, print_json


def schema_command(
    file: Annotated[Path | None, typer.Argument(help="A study file, whose plugins are in the schema, too.")] = None,
) -> None:
    """Print the JSON schema of study files.

    With it, an editor completes and checks a study file.

    \b
    Example: sweep schema > study.schema.json, and as the first line of a study:
    # yaml-language-server: $schema=study.schema.json
    """
    print_json(api.versions.study_schema(file))


def print_version(requested: bool) -> None:
    """Answer `sweep --version`, and end.

    Args:
        requested: Whether the option was given.
    """
    if requested:
        version_command()
        raise typer.Exit


def version_command(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also print the versions of the main libraries.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print the version.

    Example: sweep version --verbose
    """
    versions = api.versions.versions(libraries=verbose)
    if as_json:
        print_json(versions)
    else:
        echo("\n".join(f"{name} {number}" for name, number in versions.items()))
