"""`sweep data`: what a data set holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweep import api
from sweep.api.data import DataReport
from sweep.cli.options import Json
from sweep.cli.terminal import echo, print_json
from sweep.limits import MAX_IMAGE_SIZE
from sweep.quantities import quantity

MAX_CLASSES = 30


def data_command(
    source: Annotated[
        str, typer.Argument(help="A published data set, such as fashion_mnist, or a folder or file of images.")
    ],
    size: Annotated[
        int | None,
        typer.Option(min=4, max=MAX_IMAGE_SIZE, help="Pixels to resize your own images to; their own by default."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="PNG to write with the first training images of each class.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a data set holds, before anyone trains on it.

    Counts of splits and classes, sizes of the files, images that occur twice, what is left out, and the hash that
    stands in the key of every run. Images of your own are a folder, with folders of classes or of splits in it; a .zip
    of one, with labels in dataset.json or without; an .npz; Parquet files; or tar files of WebDataset.

    \b
    Examples: sweep data fashion_mnist -o images.png
              sweep data ~/flowers --size 64 -o flowers.png
              sweep data cifar10-32x32.zip
    """
    from sweep.cli.bars import progress_bars  # rich is slow to import

    with progress_bars() as bars:
        bar = bars.add_task("reading", total=None)
        report = api.data.describe(
            source, size=size, sheet=out, on_progress=lambda done, total: bars.update(bar, completed=done, total=total)
        )
    if as_json:
        print_json(vars(report))
    else:
        echo("\n".join(_lines(report)))


def _lines(report: DataReport) -> list[str]:
    images, duplicates = report.images, report.duplicates
    lines = [
        f"{report.source}: {sum(images.values()):,} images, {report.size} x {report.size}, "
        f"{quantity(report.channels, 'channel')}",
        "splits: " + ", ".join(f"{name} {count:,}" for name, count in images.items()),
    ]
    if report.original_sizes:
        sizes = ", ".join(f"{width} x {height}: {count:,}" for width, height, count in report.original_sizes)
        counted = "" if report.measured == report.files else f" (of {report.measured:,} files, evenly over all)"
        lines.append(f"sizes of the files, width x height{counted}: {sizes}")
        lines.append("each is cut to its centred square and resized with antialiasing (bicubic)")
    lines += _classes(report)
    lines.append(
        f"duplicates: {duplicates['within_training']:,} within the training split; of its images, "
        f"{duplicates['validation']:,} are also in validation and {duplicates['test']:,} in test"
    )
    lines += report.remarks
    lines.append(f"content: sha256 {report.content_sha256}")
    if report.sheet is not None:
        lines.append(str(report.sheet))
    return lines


def _classes(report: DataReport) -> list[str]:
    if not report.classes:
        return ["classes: none"]
    width = max(len(str(each["name"])) for each in report.classes[:MAX_CLASSES])
    lines = [f"classes: {len(report.classes):,}", f"  {'':{width}}    train  validation     test"]
    lines += [
        f"  {each['name']:{width}} {each['train']:8,} {each['validation']:11,} {each['test']:8,}"
        for each in report.classes[:MAX_CLASSES]
    ]
    more = len(report.classes) - MAX_CLASSES
    return [*lines, f"  and {more:,} more"] if more > 0 else lines
