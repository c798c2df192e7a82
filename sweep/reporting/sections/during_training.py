"""Scores of the runs as they were on the way: curves over images seen, and differences that change their sign."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd

from sweep.config.earlier_weights import step_at
from sweep.reporting.figures.during_training import scores_during_training
from sweep.reporting.formatting import interval, join_words, number, percent
from sweep.reporting.render.blocks import Block, figure_block, note
from sweep.reporting.sections.levels import DECIDED, comparison_at, difference_blocks
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.comparison import Comparison
from sweep.reporting.stats.mean_interval import mean_interval
from sweep.store.states import CellStatus


def during_training(study: ReportedStudy) -> list[Block]:
    """The score of each arm over the images that it has seen, and its difference from the baseline.

    Args:
        study: The study, with its comparison.
    """
    scores = scores_over_images(study)
    if scores["training_share"].nunique() < 2:
        return [note("No run was scored before the end of its training yet.")]
    title = f"{study.score} ({study.direction})"
    data = _means(scores)
    last = data.groupby("arm", sort=False).last().reset_index()
    alt = f"{study.score} over images seen. At the end of the training: " + "; ".join(
        f"{row['arm']}: {number(row['mean'], study.decimals)}" for row in last.head(12).to_dict("records")
    )
    caption = (
        f"Mean {study.score} of each arm with its 95 % t interval over seeds, after shares of each training. The same "
        "runs are scored again and again, so the points of a line are not independent of each other."
    )
    differences = (
        f"Differences of {study.score} from the baseline over paired seeds, after equal shares of the trainings, with "
        "95 % intervals that hold for all arms of a column at once. Only the end of the training was planned to "
        "decide; the others are exploratory."
    )
    return [
        note(" ".join(sign_changes(study)) or "No difference from the baseline changes its sign during training."),
        figure_block(
            "during_training",
            partial(scores_during_training, scores, study.styles, title=title),
            alt=alt,
            caption=caption,
            data=data,
        ),
        *difference_blocks(study, _comparisons(study), name="differences_during_training", caption=differences),
    ]


def scores_over_images(study: ReportedStudy) -> pd.DataFrame:
    """The deciding score of each run that counts, after each share of its training.

    Args:
        study: The study, with its comparison.

    Returns:
        arm, replicate, training_share, images (seen by then), value; by arm and share.
    """
    frames = study.frames
    scores = frames.scores
    excluded = set(frames.cells.loc[frames.cells["status"] == CellStatus.EXCLUDED, "cell_id"])
    is_along = scores["level"].map(lambda level: not set(level) - {"training_share"})
    keep = (scores["metric"] == study.comparison.metric) & (scores["phase"] == frames.phase)
    scores = scores[keep & is_along & ~scores["cell_id"].isin(excluded)].copy()
    scores["training_share"] = [config["training_share"] for config in scores["eval_config"]]
    configs = dict(zip(frames.cells["cell_id"], frames.cells["config"], strict=True))
    scores["images"] = [
        _images_seen(configs[cell]["images"], configs[cell]["batch"], share)
        for cell, share in zip(scores["cell_id"], scores["training_share"], strict=True)
    ]
    order = {arm: k for k, arm in enumerate(study.comparison.arms["arm"])}
    scores = scores.sort_values("images", kind="stable").sort_values(
        "arm", key=lambda arm: arm.map(order), kind="stable"
    )
    return scores[["arm", "replicate", "training_share", "images", "value"]].reset_index(drop=True)


def sign_changes(study: ReportedStudy, *, only_decided: bool = False) -> Iterator[str]:
    """A sentence for each arm whose difference had another sign earlier in the training than at its end.

    Args:
        study: The study, with its comparison.
        only_decided: Leave out earlier differences whose interval has 0 in it, and arms without a verdict at the end.
    """
    at_end = study.comparison.compared
    earlier = dict(list(_comparisons(study).items())[:-1])
    for row in at_end[at_end["pairs"] > 1].to_dict("records"):
        if only_decided and row["verdict"] not in DECIDED:
            continue
        turned = [
            f"{when} ({described})"
            for when, comparison in earlier.items()
            if (described := _turned(study, comparison.arms, row, only_decided=only_decided))
        ]
        if turned:
            last = f"{number(float(row['difference']), study.decimals, signed=True)}"
            yield (
                f"The difference of {row['says']} is {last} at the end of the training and had the other sign "
                f"{join_words(turned)}."
            )


def _turned(
    study: ReportedStudy, arms: pd.DataFrame, at_end: Mapping[Hashable, Any], *, only_decided: bool
) -> str | None:
    """The earlier difference of an arm with its interval, where its sign is not that at the end."""
    row = arms[arms["arm_id"] == at_end["arm_id"]].iloc[0]
    if row["pairs"] < 2 or not float(row["difference"]) * float(at_end["difference"]) < 0.0:
        return None
    if only_decided and row["verdict"] not in DECIDED:
        return None
    difference = number(float(row["difference"]), study.decimals, signed=True)
    return f"{difference}, {interval(float(row['low']), float(row['high']), study.decimals)}"


def _comparisons(study: ReportedStudy) -> dict[str, Comparison]:
    """The comparison of all arms after each share of the training, in its order; the end of it last."""
    scores = study.frames.scores
    if scores.empty:
        return {"at the end": study.comparison}
    earlier = scores[scores["level"].map(lambda level: set(level) == {"training_share"})]
    shares = {
        config["training_share"]: name
        for config, name in zip(earlier["eval_config"], earlier["evaluation_level"], strict=True)
    }
    at = {f"after {percent(share)}": comparison_at(study, shares[share]) for share in sorted(shares)}
    return at | {"at the end": study.comparison}


def _images_seen(images: int, batch: int, share: float) -> int:
    return step_at(share, images // batch) * batch


def _means(scores: pd.DataFrame) -> pd.DataFrame:
    by = scores.groupby(["arm", "training_share", "images"], sort=False)["value"]
    means = by.mean().rename("mean").to_frame()
    means["n"] = by.count()
    ends = [mean_interval(values) for _, values in by]
    means["low"], means["high"] = [low for low, _ in ends], [high for _, high in ends]
    return means.reset_index()
