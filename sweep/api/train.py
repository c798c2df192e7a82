"""One training without a study and without a database."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sweep.api.given_items import refuse_given
from sweep.api.locations import files_location
from sweep.api.outputs import output_errors
from sweep.api.plugins import require_trust
from sweep.api.signals import interruptible
from sweep.config.own_part import own_parts_in
from sweep.config.run import TrainConfig
from sweep.config.study import Cadence
from sweep.config.text_file import read_text
from sweep.errors import Preempted, SweepError, UsageError
from sweep.executors.local import slots
from sweep.files.file_names import random_part
from sweep.files.file_store import FileStore, file_store_at
from sweep.files.plugin_archive import archive_source, required_source
from sweep.files.starting_weights import archive_weights, required_weights
from sweep.worker.child import Child
from sweep.worker.messages import Message, Progressed, Trained
from sweep.worker.orders import TrainJob

__all__ = ["Progressed", "load_train_config", "train"]

_FOLDER = "train"


def train(
    config: TrainConfig,
    out: str | os.PathLike[str],
    *,
    device: str = "auto",
    threads: int | None = None,
    files: str | os.PathLike[str] | None = None,
    trust: bool = False,
    on_progress: Callable[[Progressed], None] | None = None,
) -> Path:
    """Train one config. On the same device with the same threads its numbers are those of a run of a study.

    Args:
        config: What to train.
        out: Folder for checkpoints and weights.
        device: `auto`, `cpu`, `cuda`, or one GPU such as `cuda:0`.
        threads: CPU threads; None for all cores.
        files: Folder or URL of the file store that has the plugins of the training, if it uses some, and the weights of
            its `init_from`; None for SWEEP_FILES or `sweep-data`.
        trust: Whether you say that these plugins may be run here.
        on_progress: Called at every point of the curves with step, images and metrics.

    Returns:
        The file of the weights.

    Raises:
        Preempted: A signal asked to stop. Its `exit_code` is 130 after Ctrl-C, else 75.
        SweepError: The training failed.
        OutputError: The folder cannot be written.
    """
    refuse_given(config, "this run")
    folder = Path(out)
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    own_files = FileStore(folder.absolute())
    sources = sorted({part.source for _, part in own_parts_in(config)})
    require_trust(sources, trust=trust)
    for source in sources:
        archive_source(own_files, required_source(file_store_at(files_location(files)), source))
    if config.init_from is not None:
        archived = required_weights(file_store_at(files_location(files)), config.init_from)
        archive_weights(own_files, config.init_from.model_copy(update={"path": str(archived)}))
    slot = slots(device, 1, work=1)[0]
    job = TrainJob(config, Cadence(), own_files, _FOLDER, attempt=random_part(), checkpoints=())
    child = Child(device=slot.device, threads=threads or slot.threads)

    def on_message(message: Message) -> None:
        if on_progress is not None and isinstance(message, Progressed) and message.metrics:
            on_progress(message)

    with interruptible() as interrupt:
        try:
            outcome = child.run(job, on_message=on_message, on_poll=lambda: interrupt.stop_requested)
        finally:
            child.close()
    if interrupt.stop_requested:
        stopped = Preempted("the training was stopped")
        stopped.exit_code = interrupt.exit_code
        raise stopped
    if not isinstance(outcome, Trained):
        raise SweepError("the training failed", why=getattr(outcome, "reason", ""))
    return folder / outcome.weights.path


def load_train_config(path: str | os.PathLike[str]) -> TrainConfig:
    """Read a train config from a JSON file.

    Args:
        path: The file, such as `sweep trials repro` writes it.

    Returns:
        The config.

    Raises:
        UsageError: The file is not a train config.
    """
    from pydantic import ValidationError

    file = Path(path)
    try:
        return TrainConfig.model_validate_json(read_text(file, kind="train config"))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{file} is no train config",
            why=f"{key}: {first['msg']}." if key else f"{first['msg']}.",
            next="sweep trials repro STUDY RUN writes one.",
        ) from None
