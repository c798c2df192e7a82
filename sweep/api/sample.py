"""Images of a trained run, by any sampler."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from sweep.api.locations import files_location
from sweep.api.outputs import output_errors
from sweep.api.plugins import require_trust
from sweep.api.signals import interruptible
from sweep.api.trained_run import trained_run
from sweep.config.own_part import own_parts_in
from sweep.errors import Preempted, SweepError, UsageError
from sweep.executors.local import slots
from sweep.files.file_store import file_store_at
from sweep.limits import MAX_SAMPLES
from sweep.worker.child import Child
from sweep.worker.messages import Counted, Failed, Message
from sweep.worker.orders import SampleJob

__all__ = ["sample"]


def sample(
    name: str,
    run: int,
    *,
    n: int = 64,
    out: str | os.PathLike[str],
    settings: Mapping[str, object] | None = None,
    seed: int = 0,
    only_class: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    storage: str | None = None,
    files: str | os.PathLike[str] | None = None,
    trust: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Draw images from a trained run.

    Image k depends on the run, the settings, the seed and k alone. With the settings of the study, the images of seed s
    are those of noise set s, which the run was scored by.

    Args:
        name: Name of the study.
        run: Number of the run, as `sweep trials ls` lists it.
        n: How many images, 1 to 200,000.
        out: A name that ends in .png for a grid, in .npz for an array `arr_0` of uint8 [N, H, W, C], else a folder for
            one PNG an image. What is there is not replaced.
        settings: Settings of sampling that differ from the study's, such as {"sampler": "heun", "sampling_steps": 20}.
        seed: Seed of the noise, 0 to 2^64 - 1.
        only_class: Class of every image, of a conditional net; None for classes with the shares of the reference.
        device: `auto`, `cpu`, `cuda`, or one GPU such as `cuda:0`.
        threads: CPU threads; None for all cores.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.
        files: Folder or URL of the files of runs; None for SWEEP_FILES or `sweep-data`.
        trust: Whether you say that the plugins of the run may be run here.
        on_progress: Called with the number of images that are drawn, and the number of all.

    Returns:
        The file or folder that was written.

    Raises:
        UsageError: There is no such run, it is not trained, a setting is wrong, or there is something at `out`.
        Preempted: A signal asked to stop. Nothing was written.
        SweepError: The images cannot be drawn.
        OutputError: They cannot be written.

    Example:
        sweep.sample("digits", 1, n=64, out="grid.png", settings={"sampler": "ancestral", "sampling_steps": 200})
    """
    path = Path(out).absolute()
    _check(n, seed, path)
    trained = trained_run(name, run, storage=storage)
    evaluation = trained.evaluation_with(settings or {})
    require_trust({part.source for _, part in own_parts_in(trained.train, evaluation)}, trust=trust)
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    slot = slots(device, 1, work=1)[0]
    job = SampleJob(
        trained.train,
        evaluation,
        trained.weights,
        file_store_at(files_location(files)),
        n,
        seed,
        path,
        only_class=only_class,
        reference=trained.study.protocol.reference,
    )
    child = Child(device=slot.device, threads=threads or slot.threads)

    def on_message(message: Message) -> None:
        if on_progress is not None and isinstance(message, Counted):
            on_progress(message.done, message.total)

    with interruptible() as interrupt:
        try:
            outcome = child.run(job, on_message=on_message, on_poll=lambda: interrupt.stop_requested)
        finally:
            child.close()
    if interrupt.stop_requested:
        stopped = Preempted("sampling was stopped", why="Nothing was written.")
        stopped.exit_code = interrupt.exit_code
        raise stopped
    if isinstance(outcome, Failed):
        what, _, why = outcome.reason.partition("\n")
        raise SweepError(f"no images: {what}", why=why)
    return Path(out)


def _check(n: int, seed: int, path: Path) -> None:
    if not 1 <= n <= MAX_SAMPLES:
        raise UsageError(f"n = {n:,} images; 1 to {MAX_SAMPLES:,} can be drawn", next="Choose fewer: -n 64")
    if not 0 <= seed < 2**64:
        raise UsageError(f"seed {seed} is not between 0 and 2^64 - 1", next="Choose another: --seed 0")
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UsageError(f"{path} is there already", why="It would be replaced.", next="Name another: --out PATH")
