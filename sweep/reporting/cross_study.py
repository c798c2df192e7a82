"""Two studies side by side: the arms of both against one baseline, where their scores compare at all.

Neither file planned this comparison, so it has intervals and no verdicts. Runs are paired by seed where they drew from
the same streams, which are functions of the seed and the kind of device; elsewhere the difference is Welch's. Equal
arms of both studies are pooled: a run that both read counts once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sweep.commands import command
from sweep.config.run import EvalConfig, Setting
from sweep.config.study import Study
from sweep.errors import ProtocolError, UsageError
from sweep.reporting.formatting import changes_in_words, join_words
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.metrics import direction_of, label_of
from sweep.reporting.pooled_arms import PooledArm, pooled_arms
from sweep.reporting.text.caveats import caveats_of, shared_protocol
from sweep.statistics.paired import Difference, PairedDifference, paired_difference, welch_difference
from sweep.store.states import CellStatus

EXTRA_METRICS = frozenset({"bits_per_dim", "fid_test", "neighbours", "partial_noising"})
"""Fields of an evaluation that ask for more scores and leave the deciding one as it is."""
MIN_PAIRS = 2
NOTHING = np.empty(0)


@dataclass(frozen=True, kw_only=True)
class AcrossStudies:
    """Every arm of two studies against the baseline of the first.

    Attributes:
        evaluation: How the images of both were drawn, as far as it moves the score.
        evaluation_levels: Study -> the evaluation level that was compared; empty for its primary one.
        changes: How the second baseline differs from the first, by field.
        arms: study and arm (both names of what is pooled), is_reference, says (difference from the first baseline),
            shared_runs (read by both studies), n, mean, sd (over seeds);
            own_difference, own_low, own_high, own_pairs (from the baseline of its own study, over paired seeds);
            difference, low, high, pairs, others, how (`paired`, `welch`, `same runs`, or empty), from the first
            baseline. Intervals are 95 % t intervals; NaN where there are too few seeds.
        caveats: One sentence each.
    """

    studies: tuple[str, str]
    label: str
    direction: str
    evaluation: Mapping[str, Any]
    evaluation_levels: Mapping[str, Mapping[str, Any]]
    changes: Mapping[str, Any]
    arms: pd.DataFrame
    caveats: list[str]

    def __str__(self) -> str:
        columns = ["study", "arm", "n", "mean", "difference", "low", "high"]
        first, second = self.studies
        return f"{first} and {second} by {self.label}:\n{self.arms[columns].to_string(index=False)}"

    __repr__ = __str__

    @property
    def decimals_at(self) -> float:
        """The size whose second digit is the last worth printing: a quarter of an interval, or 1 % of the mean."""
        quarters = ((self.arms["high"] - self.arms["low"]) / 4).replace(0.0, np.nan).dropna()
        return float(quarters.median()) if len(quarters) else float(self.arms["mean"].abs().median()) / 100


def compare_studies(first: StudyFrames, second: StudyFrames) -> AcrossStudies:
    """Compare two studies. Arms of both whose trainings differ in nothing but their seeds are one arm, and a run that
    both studies read counts once.

    Args:
        first: The tables of the first study.
        second: The tables of the second study.

    Raises:
        ProtocolError: their scores were made in different ways; says which, and the way out.
        UsageError: the first baseline has no score yet.
    """
    shared_protocol(first, second)
    config = _shared_evaluation(first, second)
    values = {frames.name: values_of(frames, config) for frames in (first, second)}
    if not values[first.name]["is_baseline"].any():
        raise UsageError(
            f"the baseline of {first.name} has no score yet",
            why="Every arm of both studies is compared with it.",
            next=f"{command('status', first.name)}, or put the other study first.",
        )
    base = _setting(first, {})
    cells = pd.concat([first.cells, second.cells])
    excluded = set(cells.loc[cells["status"] == CellStatus.EXCLUDED, "run_id"])
    pools = pooled_arms(*(_arms(each, values[each.name]) for each in (first, second)), excluded_runs=excluded)
    by_name = {frames.name: frames for frames in (first, second)}
    rows = [
        _row(pool, _difference_text(base, _setting(by_name[pool.studies[0]], pool.changes)), values, pools[0].values)
        | {"is_reference": pool is pools[0]}
        for pool in pools
    ]
    arms = pd.DataFrame(rows)
    changes = _changed(base, _setting(second, {}))
    return AcrossStudies(
        studies=(first.name, second.name),
        label=label_of(first.metric, first.protocol),
        direction=direction_of(first.metric),
        evaluation=config,
        evaluation_levels={name: (each["level"].iloc[0] if len(each) else {}) for name, each in values.items()},
        changes=changes,
        arms=arms,
        caveats=caveats_of(first, second, arms, same_baseline=not changes, moved=pools[0].moved()),
    )


def values_of(frames: StudyFrames, config: Mapping[str, Any]) -> pd.DataFrame:
    """Scores that were drawn in one way: arm, is_baseline, replicate, run_id, level, value, streams (what the run's
    random numbers are functions of), training (its settings without the seed).

    Args:
        frames: The tables of the study.
        config: The deciding fields of an evaluation config.
    """
    scores = frames.scores[(frames.scores["metric"] == frames.metric) & (frames.scores["phase"] == frames.phase)]
    is_comparable = [_deciding(EvalConfig.model_validate(each)) == config for each in scores["eval_config"]]
    scores = scores[np.array(is_comparable, dtype=bool)].drop_duplicates("cell_id")
    cells = frames.cells.loc[frames.cells["status"] != CellStatus.EXCLUDED, ["cell_id", "seed", "config"]]
    kinds = frames.attempts[frames.attempts["score_id"].isna()].drop_duplicates("run_id", keep="last")
    merged = scores.merge(cells, on="cell_id").merge(kinds[["run_id", "device"]], on="run_id", how="left")
    merged["streams"] = [
        (row["seed"], str(row["device"]).partition(":")[0], row["config"]["data"]["name"])
        for row in merged.to_dict("records")
    ]
    merged["training"] = [
        json.dumps({name: value for name, value in config.items() if name != "seed"}, sort_keys=True)
        for config in merged["config"]
    ]
    return merged[["arm", "is_baseline", "replicate", "run_id", "level", "value", "streams", "training"]]


def _shared_evaluation(first: StudyFrames, second: StudyFrames) -> dict[str, Any]:
    """The first study's primary way of drawing images, or the second's, whichever both have scores of."""
    primary = [_deciding(_setting(frames, {}).eval_config()) for frames in (first, second)]
    for config in primary:
        if all(len(values_of(frames, config)) for frames in (first, second)):
            return config
    differing = {name: value for name, value in primary[0].items() if value != primary[1][name]}
    if not differing:
        return primary[0]
    ways = "; ".join(
        f"{name} {value} in {first.name}, {primary[1][name]} in {second.name}" for name, value in differing.items()
    )
    levels = ", ".join(f"{name}: {{role: evaluation, levels: [{value}]}}" for name, value in differing.items())
    raise ProtocolError(
        f"{first.name} and {second.name} sample their images differently: {ways}",
        why="The difference of two scores would include the difference of two ways of sampling.",
        next=f"Add {levels} to the factors of {second.name}; `sweep space diff FILE` shows what that costs.",
    )


def _deciding(config: EvalConfig) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude=set(EXTRA_METRICS))


def _setting(frames: StudyFrames, changes: Mapping[str, Any]) -> Setting:
    return Study.model_validate(frames.spec).setting(dict(changes))


def _changed(base: Setting, other: Setting) -> dict[str, Any]:
    """Fields of a training in which two settings differ, with the values of the second; `net.x` for the net's."""
    other = other.model_copy(update={"data": other.data.lies_at(base.data)})  # equal images are no difference
    evaluation = set(EvalConfig.model_fields)
    old, new = (each.model_dump(mode="json", exclude=evaluation) for each in (base, other))
    fields = {field: value for field, value in new.items() if field != "net" and value != old[field]}
    nets = {f"net.{field}": value for field, value in new["net"].items() if value != old["net"].get(field)}
    return fields | nets


def _difference_text(base: Setting, other: Setting) -> str:
    return changes_in_words(_changed(base, other))


def _confirmed(frames: StudyFrames) -> pd.DataFrame:
    present = set(frames.cells.loc[frames.cells["phase"] == frames.phase, "arm_id"])
    return frames.arms[frames.arms["arm_id"].isin(present) | frames.arms["is_baseline"]]


def _arms(frames: StudyFrames, values: pd.DataFrame) -> list[PooledArm]:
    """The arms of one study with their scores, the baseline first."""
    return [
        PooledArm(
            studies=(frames.name,),
            names=(arm["arm"],),
            changes=arm["changes"],
            values=values[values["arm"] == arm["arm"]],
        )
        for arm in _confirmed(frames).to_dict("records")
    ]


def _row(pool: PooledArm, says: str, values: Mapping[str, pd.DataFrame], reference: pd.DataFrame) -> dict[str, Any]:
    against_own = _against_own(pool, values)
    how, difference, pairs = _difference(pool.values, reference)
    scores = pool.values["value"].to_numpy(float)
    return {
        "study": join_words(list(dict.fromkeys(pool.studies))),
        "arm": join_words(list(dict.fromkeys(pool.names))),
        "says": says,
        "shared_runs": pool.shared_runs,
        "n": len(scores),
        "mean": float(scores.mean()) if len(scores) else np.nan,
        "sd": float(scores.std(ddof=1)) if len(scores) > 1 else np.nan,
        "own_difference": against_own.mean,
        "own_low": against_own.low,
        "own_high": against_own.high,
        "own_pairs": against_own.n,
        "difference": difference.mean,
        "low": difference.low,
        "high": difference.high,
        "pairs": pairs,
        "how": how,
    }


def _against_own(pool: PooledArm, values: Mapping[str, pd.DataFrame]) -> PairedDifference:
    """The difference from the baseline of the first study in which the arm is another one, over no seed without one."""
    for study, name in zip(pool.studies, pool.names, strict=True):
        own = values[study][values[study]["arm"] == name]
        if own.empty or not own["is_baseline"].any():
            baseline = values[study][values[study]["is_baseline"]]
            pairs = own.merge(baseline, on="replicate", suffixes=("", "_base"))
            return paired_difference(pairs["value"].to_numpy(float), pairs["value_base"].to_numpy(float))
    return paired_difference(NOTHING, NOTHING)


def _difference(arm_values: pd.DataFrame, reference: pd.DataFrame) -> tuple[str, Difference, int]:
    """How an arm is compared with the first baseline, the difference, and over how many pairs."""
    if len(arm_values) and set(arm_values["run_id"]) == set(reference["run_id"]):
        scores = arm_values["value"].to_numpy(float)
        return "same runs", paired_difference(scores, scores), len(arm_values)
    pairs = arm_values.merge(reference, on="streams", suffixes=("", "_base"))
    if len(pairs) >= MIN_PAIRS:
        return "paired", paired_difference(*(pairs[of].to_numpy(float) for of in ("value", "value_base"))), len(pairs)
    if len(arm_values) == 0:
        return "", paired_difference(NOTHING, NOTHING), 0
    return "welch", welch_difference(arm_values["value"].to_numpy(float), reference["value"].to_numpy(float)), 0
