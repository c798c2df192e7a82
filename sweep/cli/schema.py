"""`sweep schema`, `sweep version`."""

from __future__ import annotations

from typing import Annotated

import typer

from sweep.cli.options import Json


def schema() -> None:
    """Print the JSON schema of study files.

    With it, an editor completes and checks a study file.

    \b
    Example: sweep schema > study.schema.json, and as the first line of a study:
    # yaml-language-server: $schema=study.schema.json
    """
    from sweep.cli.terminal import print_json
    from sweep.config.study import study_json_schema

    print_json(study_json_schema())


def print_version(asked: bool) -> None:
    """Answer `sweep --version`, and end.

    Args:
        asked: Whether the option was given.
    """
    if asked:
        version()
        raise typer.Exit


def version(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also print the versions of the main libraries.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print the version.

    Example: sweep version --verbose
    """
    from importlib.metadata import version as installed

    import sweep

    names = ("torch", "torchvision", "optuna", "sqlalchemy", "torch-fidelity", "numpy", "pandas")
    versions = {"ddpm-sweep": sweep.__version__} | ({name: installed(name) for name in names} if verbose else {})
    if as_json:
        from sweep.cli.terminal import print_json

        print_json(versions)
    else:
        from sweep.cli.terminal import echo

        echo("\n".join(f"{name} {number}" for name, number in versions.items()))
