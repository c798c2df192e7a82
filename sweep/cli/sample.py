"""`sweep sample`: images of a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import sweep
from sweep import api
from sweep.api.locations import DEFAULT_FILES, DEFAULT_STORAGE
from sweep.cli.options import Device, Files, Storage, StudyName, Trust
from sweep.cli.terminal import echo
from sweep.errors import Preempted
from sweep.limits import MAX_THREADS

RunNumber = Annotated[int, typer.Argument(help="Number of a run, as `sweep trials ls STUDY` lists it.")]


def sample_command(
    study: StudyName,
    run: RunNumber,
    n: Annotated[int, typer.Option("-n", min=1, help="How many images.")] = 64,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="NAME.png for a grid, NAME.npz for an array, else a folder of PNG files."),
    ] = Path("samples.png"),
    sampler: Annotated[
        str | None, typer.Option(help="ancestral, ddim, dpmpp_2m or heun; the study's by default.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Sampling steps; the study's by default.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise; 0 is the study's first noise set.")] = 0,
    only_class: Annotated[
        int | None, typer.Option("--class", min=0, help="Class of every image, of a conditional net; all by default.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="Other settings of sampling, e.g. eta=1; repeatable."),
    ] = None,
    device: Device = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, max=MAX_THREADS, help="CPU threads; all cores by default.")
    ] = None,
    storage: Storage = DEFAULT_STORAGE,
    files: Files = DEFAULT_FILES,
    trust: Trust = False,
) -> None:
    """Draw images from a trained run.

    Image k depends on the run, the settings, the seed and k alone, and not on the number of images. With the settings
    of the study, the images are those that the run was scored by.

    An .npz file has the images as `arr_0`, uint8 [N, H, W, C], which other evaluators read.

    \b
    Examples: sweep sample digits 1 -n 64 -o grid.png
              sweep sample digits 1 -n 5000 -o samples.npz --sampler ancestral --steps 200 --seed 7
              sweep sample digits 1 -o images -s ema_decay=0
              sweep sample guidance 1 --class 3 -s guidance_scale=2
    """
    from sweep.cli.bars import progress_bars  # rich is slow to import

    chosen = {"sampler": sampler, "sampling_steps": steps}
    given = {name: value for name, value in chosen.items() if value is not None}
    try:
        with progress_bars() as bars:
            bar = bars.add_task("sampling", total=None)
            written = sweep.sample(
                study,
                run,
                n=n,
                out=out,
                settings=given | api.study_files.parse_overrides(settings or ()),
                seed=seed,
                only_class=only_class,
                device=device,
                threads=threads,
                storage=storage,
                files=files,
                trust=trust,
                on_progress=lambda done, total: bars.update(bar, completed=done, total=total),
            )
    except Preempted as stopped:
        raise typer.Exit(stopped.exit_code) from None
    echo(written)
