"""A trained net for other programs: its weights as safetensors, or a pipeline that diffusers loads."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from enum import StrEnum
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.api.locations import files_location
from sweep.api.model_card import model_card
from sweep.api.outputs import output_errors
from sweep.api.trained_run import TrainedRun, trained_run
from sweep.config.net import UNetConfig
from sweep.config.run import EvalConfig
from sweep.errors import UsageError
from sweep.files.atomic import write_atomically
from sweep.files.file_store import file_store_at

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ModelFormat", "export_model"]


class ModelFormat(StrEnum):
    """What an exported folder holds.

    SAFETENSORS: `model.safetensors`, the weights under our names, with `config.json`.
    DIFFUSERS: A pipeline that diffusers loads, for U-Nets.
    """

    SAFETENSORS = "safetensors"
    DIFFUSERS = "diffusers"


def export_model(
    name: str,
    run: int,
    *,
    format: ModelFormat | str = ModelFormat.SAFETENSORS,
    out: str | os.PathLike[str] | None = None,
    settings: Mapping[str, object] | None = None,
    push: str | None = None,
    storage: str | None = None,
    files: str | os.PathLike[str] | None = None,
) -> Path:
    """Write a trained run as a folder that other programs read, with a model card that holds the study's numbers.

    Args:
        name: Name of the study.
        run: Number of the run, as `sweep trials ls` lists it.
        format: `safetensors`, or `diffusers`.
        out: Folder to write, which must be empty or missing; None for `NAME-run-RUN`.
        settings: Settings of sampling that differ from the study's, such as {"ema_decay": 0} for the raw weights.
        push: Repository of the Hugging Face hub to upload the folder to, such as `me/digits`; None for none.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.
        files: Folder or URL of the files of runs; None for SWEEP_FILES or `sweep-data`.

    Returns:
        The folder.

    Raises:
        UsageError: There is no such run, it is not trained, it has no such format, a package is missing, or there is
            something at `out`.
        CheckpointError: The weights cannot be read.
        OutputError: The folder cannot be written.

    Example:
        api.model_export.export_model("digits", 1, format="diffusers", out="digits-model")
    """
    from sweep.worker.trained_net import read_weights

    chosen = ModelFormat(format)
    _require("safetensors", chosen)
    if push is not None:
        _require_hub()
    folder = Path(out) if out is not None else Path(f"{name}-run-{run}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already", why="It would be replaced.", next="Name another: --out FOLDER")
    trained = trained_run(name, run, storage=storage)
    evaluation = trained.evaluation_with(settings or {})
    weights = read_weights(trained.train, evaluation, trained.weights, file_store_at(files_location(files)))
    write = _write_pipeline if chosen is ModelFormat.DIFFUSERS else _write_safetensors
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            write(folder, trained, evaluation, weights)
        except UsageError:
            shutil.rmtree(folder)
            raise
        write_atomically(folder / "README.md", model_card(trained, evaluation, chosen.value).encode())
    if push is not None:
        _push(folder, push)
    return folder


def _write_safetensors(
    folder: Path, trained: TrainedRun, evaluation: EvalConfig, weights: Mapping[str, Tensor]
) -> None:
    from safetensors.torch import save

    plain = {name: value.contiguous() for name, value in weights.items()}
    write_atomically(folder / "model.safetensors", save(plain, {"format": "pt", "train_key": trained.train_key}))
    config = {
        "train": trained.train.model_dump(mode="json"),
        "evaluation": evaluation.model_dump(mode="json"),
        "train_key": trained.train_key,
    }
    write_atomically(folder / "config.json", _json(config))


def _write_pipeline(folder: Path, trained: TrainedRun, evaluation: EvalConfig, weights: Mapping[str, Tensor]) -> None:
    from safetensors.torch import save

    from sweep.nets.diffusers_unet import to_diffusers, unet2d_config
    from sweep.scoring.generate import sampling_plan
    from sweep.scoring.sampling_document import sampling_document
    from sweep.training.own_parts import target_of
    from sweep.worker.sampled_net import image_shape
    from sweep.worker.trained_net import diffusion_of, trained_net

    train = trained.train
    if not isinstance(train.net, UNetConfig):
        raise UsageError(
            f"run {trained.run} has a net of kind {train.net.kind}, which diffusers does not know",
            why="A pipeline of diffusers holds a U-Net.",
            next="Export it as safetensors: --format safetensors",
        )
    if train.conditional:
        raise UsageError(
            f"run {trained.run} is conditional on classes, and the exported pipeline draws from none",
            why="The pipeline has no argument for the class.",
            next="Export it as safetensors: --format safetensors; or draw images: sweep sample",
        )
    channels, size = image_shape(train.data)
    outputs = 2 * channels if train.learned_variance else channels
    settings = train.net.model_dump(exclude={"kind"})
    config = unet2d_config(settings, image_channels=channels, image_size=size, out_channels=outputs)
    net: Any = trained_net(train, dict(weights), channels=channels, size=size)
    state = {key: value.contiguous() for key, value in to_diffusers(net, len(train.net.channel_mults)).items()}
    plan = sampling_plan(evaluation, target_of(train, "cpu"))
    sampling = sampling_document(diffusion_of(train), plan, (channels, size, size))
    diffusers = version("diffusers") if find_spec("diffusers") else "0.35.0"
    index = {"_class_name": ["pipeline", "SweepPipeline"], "_diffusers_version": diffusers, "sampling": sampling}
    unet = folder / "unet"
    unet.mkdir()
    write_atomically(
        unet / "config.json", _json({"_class_name": "UNet2DModel", "_diffusers_version": diffusers} | config)
    )
    write_atomically(unet / "diffusion_pytorch_model.safetensors", save(state, {"format": "pt"}))
    write_atomically(folder / "pipeline.py", _pipeline_source())
    write_atomically(folder / "model_index.json", _json(index | {"unet": ["diffusers", "UNet2DModel"]}))


def _pipeline_source() -> bytes:
    """The code of the pipeline, without importing it: that would load diffusers."""
    spec = find_spec("sweep.scoring.diffusers_pipeline")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_bytes()


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=1).encode() + b"\n"


def _require(package: str, chosen: ModelFormat) -> None:
    if find_spec(package) is None:
        raise UsageError(
            f"the format {chosen.value} needs the package {package}",
            why="It is not installed.",
            next="pip install 'ddpm-sweep[export]'",
        )


def _require_hub() -> None:
    _require("huggingface_hub", ModelFormat.DIFFUSERS)
    from huggingface_hub import get_token

    if get_token() is None:
        raise UsageError(
            "--push: the Hugging Face hub is not configured on this machine",
            why="It has no token of yours.",
            next="hf auth login",
        )


def _push(folder: Path, repository: str) -> None:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    hub = HfApi()
    try:
        hub.create_repo(repository, exist_ok=True)
        hub.upload_folder(repo_id=repository, folder_path=folder)
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise UsageError(
            f"{repository} was not uploaded",
            why=str(error).splitlines()[0],
            next=f"{folder} is complete; upload it with: hf upload {repository} {folder}",
        ) from error
