"""`sweep score`: scores of folders and arrays of images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

import sweep
from sweep.api.locations import DEFAULT_FILES
from sweep.cli.options import Device, Files, Json
from sweep.cli.terminal import print_json, print_line, print_table
from sweep.errors import Preempted

if TYPE_CHECKING:
    from sweep.api.score import Scores

TITLES = {
    "fid": "",
    "kid": "KID",
    "inception_score": "IS",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
}


def score_command(
    paths: Annotated[list[str], typer.Argument(help="Folders of images, or .npz files with arr_0 [N, H, W, C].")],
    against: Annotated[
        str,
        typer.Option("--against", "--data", help="The real images: the name of a data set, or a folder."),
    ],
    extractor: Annotated[str, typer.Option(help="classifier or inception.")] = "classifier",
    reference: Annotated[str, typer.Option(help="Split of the real images: train or test.")] = "train",
    n: Annotated[
        int | None, typer.Option("-n", min=4, help="Images of each to measure; as many as the smallest has by default.")
    ] = None,
    device: Device = "auto",
    files: Files = DEFAULT_FILES,
    as_json: Json = False,
) -> None:
    """Score folders of images, without a study.

    Each number has its standard error over the images. Differences are from the first item; their 95 % intervals hold
    for all items at once, and cover the images of these items alone: another training, or another draw, would change
    more. For verdicts, write a study with `design: given` and several items of each arm.

    Nothing is recorded. Extractors and features of the real images are kept in the folder of files.

    \b
    Examples: sweep score samples --against fashion_mnist
              sweep score ours theirs.npz --against digits --json
              sweep score samples --against photos --extractor inception
    """
    from sweep.cli.launch_display import launch_display  # rich is slow to import

    try:
        with launch_display() as display:
            scores = sweep.score(
                paths,
                against=against,
                extractor=extractor,
                reference=reference,
                n=n,
                device=device,
                files=files,
                on_progress=display.update,
            )
    except Preempted as stopped:
        raise typer.Exit(stopped.exit_code) from None
    if as_json:
        print_json(scores.document())
        return
    _print(scores)


def _print(scores: Scores) -> None:
    names = [name for name in TITLES if all(name in item.scores for item in scores.items)]
    columns = ["item", *(TITLES[name] or scores.protocol.label for name in names)]
    rows = [(item.path, *(_with_error(*item.scores[name]) for name in names)) for item in scores.items]
    print_table("", columns, rows)
    compared = [item for item in scores.items if item.difference is not None]
    if compared:
        label = f"difference in {scores.protocol.label}"
        differences = [(item.path, *(f"{each:+.4g}" for each in item.difference or ())) for item in compared]
        print_table("", [f"minus {scores.items[0].path}", label, "95 % interval from", "to"], differences)
        print_line("The intervals cover the images of these items alone, and not another training or another draw.")
    for note in scores.notes:
        print_line(f"note: {note}")


def _with_error(value: float, error: float | None) -> str:
    """A value with its standard error, both to two digits of the error."""
    if error is None or not error > 0:
        return f"{value:.4g}"
    decimals = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"
