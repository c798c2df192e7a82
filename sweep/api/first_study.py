"""A first study file from the answers to five questions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, get_args

from sweep.api.outputs import output_errors
from sweep.commands import command
from sweep.config.part_names import DataName
from sweep.config.run import EVAL_FIELDS
from sweep.config.study_file import study_in
from sweep.config.yaml_file import Origin, YamlFile, parse
from sweep.config.yaml_text import yaml_text
from sweep.errors import UnknownName, UsageError
from sweep.planning.plan import study_plan

DATA_SETS = tuple(name for name in get_args(DataName) if name != "image_folder")

# A net, a batch and a budget with which a study of each data set tells arms apart.
_DIGITS: Mapping[str, Any] = {
    "net": {"preset": "unet_8", "channels": 16},
    "T": 200,
    "lr": 1e-3,
    "batch": 64,
    "sampling_steps": 10,
}
_GREY: Mapping[str, Any] = {
    "net": {"preset": "unet_28", "channels": 16},
    "T": 200,
    "lr": 1e-3,
    "batch": 32,
    "sampling_steps": 20,
}
_COLOUR: Mapping[str, Any] = {"net": "ho_cifar10", "flip": True, "sampling_steps": 50}
_BASELINES = {"digits": _DIGITS, "mnist": _GREY, "fashion_mnist": _GREY, "cifar10": _COLOUR}
_IMAGES = {"digits": "20k", "mnist": "64k", "fashion_mnist": "64k", "cifar10": "20M"}
_IMAGES_OF_FOLDER = "100k"
_SAMPLES = {"digits": 512, "mnist": 500, "fashion_mnist": 500, "cifar10": 10_000}
_LEVELS = {
    "schedule": "cosine",
    "target": "v",
    "weighting": "min_snr",
    "lr": "3e-4, 3e-3",
    "optimizer": "adamw",
    "loss": "huber",
    "lr_schedule": "cosine",
    "ema_decay": "0, 0.99",
    "sampling_steps": "5, 50",
    "eta": "1",
    "net.dropout": "0, 0.3",
    "batch": "16, 256",
}
SUGGESTED_FACTORS = tuple(_LEVELS)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a first study is about.

    Attributes:
        data: Name of a data set, or the path of a folder of images.
        factor: Setting that varies, e.g. schedule, lr or net.dropout.
        levels: Its values beside that of the baseline, as YAML, with commas between them.
        seeds: Training seeds of every arm.
        images: Images that each training sees, e.g. 20k.
        size: Height and width to which the images of a folder are brought, pixels.
        name: Name of the study; None for one of the data and the factor.
    """

    data: str = "digits"
    factor: str = "schedule"
    levels: str = "cosine"
    seeds: int = 3
    images: str = "20k"
    size: int = 32
    name: str | None = None


def suggested_levels(factor: str) -> str | None:
    """Levels that are often compared; None for a setting without such.

    Args:
        factor: Name of a setting.
    """
    return _LEVELS.get(factor)


def suggested_images(data: str) -> str:
    """Images of each training with which a first study ends in minutes (digits) to a day on a GPU (CIFAR-10).

    Args:
        data: Name of a data set, or the path of a folder.
    """
    return _IMAGES.get(data, _IMAGES_OF_FOLDER)


def write_first_study(path: Path, answers: Answers) -> None:
    """Write a study file that `sweep plan` accepts. A file that is there is not replaced.

    Args:
        path: The file.
        answers: What the study is about.

    Raises:
        UsageError: An answer is wrong, or the file is there. Nothing is written.
        OutputError: The file cannot be written.
    """
    text = first_study(answers)
    with output_errors(path):
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            refuse_to_replace(path)


def refuse_to_replace(path: Path) -> NoReturn:
    """Refuse to write a study over a file.

    Args:
        path: The file that is there.

    Raises:
        UsageError: Always.
    """
    raise UsageError(
        f"{path} is there already",
        why="A new study would replace what you may have written.",
        next=f"Name another file: {command('init', path.with_name(f'{path.stem}-2.yaml'))}",
    ) from None


def first_study(answers: Answers) -> str:
    """The text of the study file, checked like every study.

    Args:
        answers: What the study is about.

    Raises:
        UsageError: An answer is wrong.
    """
    data, name = _data(answers)
    role = "evaluation" if answers.factor.partition(".")[0] in EVAL_FIELDS else "scientific"
    levels = parse(f"[{answers.levels}]", "levels")[0]
    values = {
        "name": answers.name or _as_name(f"{name}-{answers.factor}"),
        "question": f"On {name}, does {answers.factor} = {answers.levels} improve the images over the baseline?",
        "baseline": {"data": data, **_baseline(answers), "images": _value(answers.images)},
        "factors": {answers.factor: {"role": role, "levels": levels}},
        "seeds": answers.seeds,
        "protocol": _protocol(answers),
    }
    try:
        study_plan(study_in(YamlFile(Path("answers"), values, _origins(values))))
    except UsageError as error:
        raise UsageError(error.what, why=error.why, next="Answer otherwise; nothing was written.") from error
    return (
        "# Made by sweep init. `sweep docs study-file` explains every part; `sweep schema` lists every setting.\n"
        + yaml_text(values)
    )


def _value(text: str) -> Any:
    return parse(text, "images")[0]


def _origins(values: Mapping[str, Any]) -> dict[tuple[str | int, ...], Origin]:
    """Each part of the study under the question that it answers."""
    factor = next(iter(values["factors"]))
    answers_at: dict[tuple[str | int, ...], str] = {
        ("name",): "name",
        ("baseline", "data"): "data",
        ("baseline", "images"): "images",
        ("seeds",): "seeds",
        ("factors",): "levels",
        ("factors", factor): "levels",
        ("baseline",): "data",
    }
    return {location: Origin(f"answer `{answer}`") for location, answer in answers_at.items()}


def _data(answers: Answers) -> tuple[Any, str]:
    """The data as a study file writes it, and what to call it."""
    if answers.data in DATA_SETS:
        return answers.data, answers.data
    folder = Path(answers.data).expanduser()
    if not folder.is_dir():
        raise UnknownName(
            "data set",
            answers.data,
            DATA_SETS,
            why=f"It is no folder of images either. Data sets: {', '.join(DATA_SETS)}.",
            next="Name a data set, or give the path of a folder of images.",
        )
    data = {"name": "image_folder", "path": str(folder.absolute()), "size": answers.size}
    return data, _as_name(folder.absolute().name)


def _baseline(answers: Answers) -> dict[str, Any]:
    if answers.data in _BASELINES:
        return dict(_BASELINES[answers.data])
    halvings = next(n for n in range(3) if n == 2 or answers.size % 2 ** (n + 1))
    net = {"preset": "unet_28", "channel_mults": [1, 2, 2][: halvings + 1], "attention_resolutions": []}
    return dict(_GREY) | {"net": net}


def _protocol(answers: Answers) -> dict[str, Any]:
    if answers.data in DATA_SETS:
        extractor = "inception" if answers.data == "cifar10" else "classifier"
        return {"extractor": extractor, "n": _SAMPLES[answers.data], "noise_sets": 3}
    # Without labels there is nothing to train a classifier with.
    has_classes = any(
        each.is_dir() and not each.name.startswith(".") for each in Path(answers.data).expanduser().iterdir()
    )
    return {"extractor": "classifier" if has_classes else "inception", "n": 500, "noise_sets": 3}


def _as_name(text: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")[:64] or "images"
