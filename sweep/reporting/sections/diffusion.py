"""What the arms draw, and what their chains look like."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from pydantic import ValidationError

from sweep.config.run import TrainConfig
from sweep.errors import SweepError, UnsafePath
from sweep.files.contained import contained
from sweep.quantities import quantity
from sweep.reporting.figures.diffusion import loss_weight_curves, sample_sheet, schedule_curves
from sweep.reporting.figures.style import MAX_NAMED
from sweep.reporting.formatting import join_words, scientific
from sweep.reporting.render.blocks import Block, figure_block, note
from sweep.reporting.render.tables import Column, TextCell, table_block, text_cells
from sweep.reporting.sections.sample_strips import SIDE, strip, with_clear_gaps
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.text.warnings import terminal
from sweep.training.noise_tables import betas_of, weights_of

SHEETS = 12
POINTS = 200


def samples(study: ReportedStudy) -> list[Block]:
    """One sheet an arm, all from the same noise and the same replicate.

    Args:
        study: The study, with its comparison.
    """
    # Of the arms that the verdict compares: trials of a search are many, and were drawn from other seeds.
    grids = study.frames.grids[study.frames.grids["arm_id"].isin(study.comparison.arms["arm_id"])]
    if grids.empty:
        return [note("No sample sheet was saved.")]
    replicate = grids["replicate"].value_counts(sort=False).sort_index().idxmax()
    rows, missing = [], 0
    chosen = grids[grids["replicate"] == replicate].drop_duplicates("arm_id")
    for row in chosen.head(SHEETS).to_dict("records"):
        image = read_grid(study.files_root, row["path"], row["sha256"])
        missing += image is None
        if image is not None:
            rows.append((row["arm"], with_clear_gaps(strip(image))))
    blocks: list[Block] = []
    if missing:
        blocks.append(
            note(
                f"{quantity(missing, 'sample sheet')} missing, or altered after the score was recorded.", kind="warning"
            )
        )
    if rows:
        is_given = not study.frames.study_ref.design.trains
        noise = "" if is_given else " Those in one column are sampled from the same noise."
        left_out = f" The figure shows {SHEETS} of {len(chosen)} arms." if len(chosen) > SHEETS else ""
        names = "; ".join(name for name, _ in rows)
        blocks.append(
            figure_block(
                "samples",
                partial(sample_sheet, rows),
                alt=(
                    f"Images of replicate {replicate}, a row for each arm: {names}"
                    if is_given
                    else f"Generated images of replicate {replicate}, a row for each arm, the same noise in each "
                    f"column: {names}"
                ),
                caption=(f"{SIDE} images of replicate {replicate}.{noise}{left_out}"),
                data=chosen[["arm", "replicate", "path", "sha256"]].head(SHEETS),
            )
        )
    return blocks


def read_grid(root: Path, path: str, sha256: str) -> NDArray[np.uint8] | None:
    """Pixels of a stored sheet; None where the file is not there, outside the folder, or not the one recorded.

    Args:
        root: Folder of the file store.
        path: Path of the sheet, relative to it.
        sha256: Recorded hash of the file.
    """
    try:
        file = contained(root, path)
    except UnsafePath:
        return None
    if not file.is_file():
        return None
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        return None
    try:
        image = Image.open(io.BytesIO(data))
        return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    except UnidentifiedImageError:
        return None


def chains(study: ReportedStudy) -> list[Block]:
    """Terminal facts of every arm, its schedule and its loss weights; arms that share one share a line.

    Args:
        study: The study, with its comparison.
    """
    facts = terminal(study.frames)
    if facts.empty:
        return [note("No run is planned yet.")]
    columns = [
        Column("Arm", text_cells(list(facts["arm"]))),
        Column("ᾱ_T", _scientific(facts["alphas_bar_T"]), numeric=True),
        Column("SNR at t = 1", _scientific(facts["snr_1"]), numeric=True),
        Column("SNR at t = T", _scientific(facts["snr_T"]), numeric=True),
        Column("Prior, bits/dim", _scientific(facts["prior_bits_per_dim"]), numeric=True),
    ]
    caption = (
        "The two ends of each diffusion chain. ᾱ_T is the share of the signal's variance that is left in x_T; sampling "
        "assumes that it is 0. The prior term is the cost of that assumption."
    )
    shown = table_block(
        "chains", columns, caption=caption, data=facts.drop(columns="arm_id"), marked=list(facts["is_baseline"])
    )
    return [shown, *_pictures(study)]


def _scientific(values: pd.Series[float]) -> list[Any]:
    return [TextCell(scientific(float(value))) for value in values]


def _pictures(study: ReportedStudy) -> list[Block]:
    cells = study.frames.cells[study.frames.cells["phase"] == study.frames.phase].drop_duplicates("arm_id")
    shared: dict[str, dict[bytes, list[Mapping[Any, Any]]]] = {"schedule": {}, "weight": {}}
    arrays: dict[bytes, NDArray[np.float64]] = {}
    for row in cells.to_dict("records"):
        for kind, values in chain_arrays(row["config"]).items():
            arrays[values.tobytes()] = values
            shared[kind].setdefault(values.tobytes(), []).append(row)
    blocks: list[Block] = []
    betas = [_schedule_points(arrays[key], rows) for key, rows in list(shared["schedule"].items())[: MAX_NAMED + 1]]
    if betas:
        points = pd.concat(betas, ignore_index=True)
        last = points.groupby("label", sort=False)["log10_snr"].last()
        alt = "log10 SNR and betas against t/T. At t = T, log10 SNR: " + "; ".join(
            f"{arm} {value:.1f}" for arm, value in last.items()
        )
        caption = "Schedules of the arms against t/T. Arms with the same schedule share a line."
        caption += not_drawn(cells, "schedule")
        blocks.append(
            figure_block(
                "schedules", partial(schedule_curves, points, study.styles), alt=alt, caption=caption, data=points
            )
        )
    weights = [_weight_points(arrays[key], rows) for key, rows in list(shared["weight"].items())[: MAX_NAMED + 1]]
    if len(weights) > 1:
        points = pd.concat(weights, ignore_index=True)
        spread = points.groupby("label", sort=False)["weight"].agg(["min", "max"])
        alt = "Loss weights against t/T. " + "; ".join(
            f"{arm}: {row['min']:.2g} to {row['max']:.2g}" for arm, row in spread.iterrows()
        )
        caption = "Weight of each t in the loss, applied to the squared error of the net's prediction."
        caption += not_drawn(cells, "schedule", "weighting")
        blocks.append(
            figure_block(
                "loss_weights", partial(loss_weight_curves, points, study.styles), alt=alt, caption=caption, data=points
            )
        )
    return blocks


def not_drawn(cells: pd.DataFrame, *fields: str) -> str:
    """A sentence on the arms that a figure leaves out, because their numbers are those of code; empty for none.

    Args:
        cells: A row for each arm, with the config of its runs as stored.
        fields: Settings that may name a part of a plugin, whose code a report does not run.
    """
    own = [
        str(row["arm"])
        for row in cells.to_dict("records")
        if any(isinstance(row["config"].get(field), Mapping) for field in fields)
    ]
    return f" Not drawn, because a report runs no code of plugins: {join_words(own)}." if own else ""


def chain_arrays(config: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """`schedule`: betas [T]; `weight`: loss weights [T] of a stored train config; what cannot be made is left out.

    Args:
        config: A train config as stored.
    """
    try:
        train_config = TrainConfig.model_validate(config)
        betas = betas_of(train_config)
    except (SweepError, ValidationError):
        return {}
    try:
        weights = weights_of(train_config, betas)
    except SweepError:
        return {"schedule": betas}
    return {"schedule": betas, "weight": np.concatenate([weights, [len(betas)]])}


def _schedule_points(betas: NDArray[np.float64], rows: list[Mapping[Any, Any]]) -> pd.DataFrame:
    alphas_bar = np.cumprod(1 - betas)
    with np.errstate(divide="ignore"):
        log10_snr = np.log10(alphas_bar) - np.log10(1 - alphas_bar)
    log10_snr[~np.isfinite(log10_snr)] = np.nan
    return _sampled({"log10_snr": log10_snr, "beta": betas}, rows)


def _weight_points(weights: NDArray[np.float64], rows: list[Mapping[Any, Any]]) -> pd.DataFrame:
    return _sampled({"weight": weights[:-1]}, rows)


def _sampled(values: dict[str, NDArray[np.float64]], rows: list[Mapping[Any, Any]]) -> pd.DataFrame:
    T = len(next(iter(values.values())))
    index = np.unique(np.linspace(0, T - 1, min(T, POINTS)).astype(int))
    names = [str(row["arm"]) for row in rows]
    label = " and ".join(names) if len(names) < 3 else f"{names[0]} and {len(names) - 1} others"
    columns = {name: array[index] for name, array in values.items()}
    return pd.DataFrame({"arm": names[0], "label": label, "u": (index + 1) / T} | columns)
