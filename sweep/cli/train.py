"""`sweep train`: one training by hand, without a study or a store."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweep import api
from sweep.api.locations import DEFAULT_FILES
from sweep.cli.options import Device, Files, Trust
from sweep.cli.terminal import echo
from sweep.errors import Preempted
from sweep.limits import MAX_THREADS

if TYPE_CHECKING:
    from sweep.api.train import Progressed

logger = logging.getLogger(__name__)


def train_command(
    config: Annotated[Path, typer.Argument(help="A train config as JSON, from `sweep trials repro`.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for checkpoints and weights.")],
    device: Device = "auto",
    files: Files = DEFAULT_FILES,
    trust: Trust = False,
    threads: Annotated[
        int | None, typer.Option(min=1, max=MAX_THREADS, help="CPU threads; all cores by default.")
    ] = None,
) -> None:
    """Train one config by hand, without a database.

    Does what a run of a study does, alone and from its start, and prints its curves as JSON lines.

    On the same machine at the same number of threads its numbers are those of the study, bit for bit.

    Example: sweep trials repro digits 3 && sweep train run-3.json --out run-3
    """
    try:
        weights = api.train.train(
            api.train.load_train_config(config),
            out,
            device=device,
            threads=threads,
            files=files,
            trust=trust,
            on_progress=_print_point,
        )
    except Preempted as stopped:
        raise typer.Exit(stopped.exit_code) from None
    logger.info(f"weights: {weights}")


def _print_point(point: Progressed) -> None:
    echo(json.dumps({"step": point.step, "images": point.images, **point.metrics}))
