"""`sweep studies`: the study files that come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweep.api.outputs import output_errors
from sweep.cli.terminal import echo
from sweep.commands import command
from sweep.errors import UsageError
from sweep.studies import plugins, questions, text

studies = typer.Typer(no_args_is_help=False, rich_markup_mode=None)


@studies.callback(invoke_without_command=True)
def studies_command(context: typer.Context) -> None:
    """List the study files that come with the package.

    Each line gives the name of a study and the question that it asks. `sweep studies copy NAME` writes one into the
    working folder. Those below `small/` take minutes on a CPU; those below `real/` are meant for a GPU.

    \b
    Examples: sweep studies
              sweep studies copy digits
    """
    if context.invoked_subcommand is not None:
        return
    names = questions()
    width = max(map(len, names))
    echo("\n".join(f"{name:<{width}}  {question}" for name, question in names.items()))


@studies.command("copy")
def copy_command(
    name: Annotated[str, typer.Argument(help="Name of a study, as `sweep studies` lists it.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--out", help="File to write; by default NAME.yaml in the working folder.")
    ] = None,
) -> None:
    """Write a study that comes with the package to a file of your own. A file that is there is not replaced.

    The plugins that the study names are written beside it.

    \b
    Examples: sweep studies copy digits
              sweep studies copy real/optimizers -o my-optimizers.yaml
    """
    content = text(name)
    path = output or Path(f"{name.rpartition('/')[2]}.yaml")
    beside = {path.parent / file: plugin for file, plugin in plugins(name).items()}
    with output_errors(path):
        missing = {file: plugin for file, plugin in beside.items() if not file.exists()}
        for file, plugin in beside.items() - missing.items():
            if file.read_text(encoding="utf-8") != plugin:
                raise _would_replace(file, next="Rename or move that file.")
        try:
            with path.open("x", encoding="utf-8") as study:
                study.write(content)
        except FileExistsError as error:
            raise _would_replace(path, next=command("studies", "copy", name, "-o", f"{path.stem}-2.yaml")) from error
        for file, plugin in missing.items():
            file.write_text(plugin, encoding="utf-8")
    echo("\n".join([str(path), *map(str, beside), f"next: {command('plan', path)}"]))


def _would_replace(path: Path, *, next: str) -> UsageError:
    return UsageError(f"{path} is there already", why="A copy would replace what you may have written.", next=next)
