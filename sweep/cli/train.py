"""`sweep train`: one training by hand, without a study or a store."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweep.cli.options import Device
from sweep.limits import MAX_THREADS

if TYPE_CHECKING:
    from sweep.config.run import TrainConfig
    from sweep.worker.messages import Message

logger = logging.getLogger(__name__)

FOLDER = "train"


def train(
    config: Annotated[Path, typer.Argument(help="A train config as JSON, from `sweep trials repro`.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for checkpoints and weights.")],
    device: Device = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, max=MAX_THREADS, help="CPU threads; all cores by default.")
    ] = None,
) -> None:
    """Train one config by hand, without a database.

    Does what a run of a study does, alone and from its start, and prints its curves as JSON lines.

    On the same machine at the same number of threads its numbers are those of the study, bit for bit.

    Example: sweep trials repro digits 3 && sweep train run-3.json --out run-3
    """
    import json

    from sweep.cli.outputs import writing
    from sweep.config.study import Cadence
    from sweep.errors import SweepError
    from sweep.executors.local import slots
    from sweep.files.file_names import random_part
    from sweep.files.file_store import FileStore
    from sweep.worker.child import Child
    from sweep.worker.interrupt import Interrupt
    from sweep.worker.messages import Progressed, Trained, TrainJob

    asked = _read(config)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    place = slots(device, 1, work=1)[0]
    job = TrainJob(asked, Cadence(), FileStore(out.absolute()), FOLDER, attempt=random_part(), checkpoints=())
    child = Child(device=place.device, threads=threads or place.threads)

    def on_message(message: Message) -> None:
        if isinstance(message, Progressed) and message.metrics:
            typer.echo(json.dumps({"step": message.step, "images": message.images, **message.metrics}))

    with Interrupt() as interrupt:
        try:
            outcome = child.run(job, on_message=on_message, on_poll=lambda: interrupt.stop_requested)
        finally:
            child.close()
    if interrupt.stop_requested:
        raise typer.Exit(interrupt.exit_code)
    if not isinstance(outcome, Trained):
        raise SweepError("the training failed", why=getattr(outcome, "reason", ""))
    logger.info(f"weights: {out / outcome.weights.path}")


def _read(path: Path) -> TrainConfig:
    from pydantic import ValidationError

    from sweep.config.run import TrainConfig
    from sweep.config.text_file import read_text
    from sweep.errors import UsageError

    try:
        return TrainConfig.model_validate_json(read_text(path, kind="train config"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{path} is no train config",
            why=f"{where}: {first['msg']}." if where else f"{first['msg']}.",
            next="sweep trials repro STUDY RUN writes one.",
        ) from None
