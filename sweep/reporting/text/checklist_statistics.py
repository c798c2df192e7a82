"""What the error bars of a report are: of which seeds, what they cover, how they are computed, what they assume."""

from __future__ import annotations

from math import isfinite

from sweep.quantities import quantity
from sweep.reporting.formatting import decimals_for, join_words, number
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.metrics import is_noise_per_seed
from sweep.reporting.stats.comparison import Comparison
from sweep.reporting.stats.variance import VarianceSplit
from sweep.reporting.text.given import NOT_KNOWN
from sweep.reporting.text.replicates import IMAGES_ALONE, ReplicateWords, replicate_words
from sweep.store.states import CellStatus, Phase


def error_bars(frames: StudyFrames, comparison: Comparison, split: VarianceSplit) -> list[str]:
    """Sentences on seeds, intervals, their assumptions, and the variability that they cover.

    Args:
        frames: The tables of the study.
        comparison: The comparison of its arms.
        split: Sources of the variance of its deciding score.
    """
    if not comparison.confirmatory:
        return ["All trainings of this study are exploratory. Their scores have no intervals that decide."]
    seeds = comparison.arms["n"]
    if seeds.empty:
        return ["No arm is planned."]
    words = replicate_words(frames)
    counts = f"{seeds.min()} to {seeds.max()}" if seeds.min() != seeds.max() else f"{seeds.max()}"
    sentences = [
        f"Each arm has scores of {counts} {words.spread} that count. A number after ± is the standard deviation over "
        f"{words.spread} (divisor n - 1), not a standard error.",
        _intervals(comparison) if not words.is_given else _intervals_of_items(comparison, words),
        _covered(frames) if not words.is_given else NOT_KNOWN,
        "They do not cover another split of the data, another extractor or other hardware: these are the same in all "
        "runs, or named in a warning.",
        _sizes(comparison, split) if not words.is_given else "",
        _left_out(frames),
    ]
    return [sentence for sentence in sentences if sentence]


def _intervals(comparison: Comparison) -> str:
    if not (comparison.compared["pairs"] > 1).any():
        return ""
    at_once = "" if comparison.family < 2 else f" for all {comparison.family} arms at once"
    analyses = " and all declared interim analyses" if comparison.analysis is not None else ""
    scale = "Ratios of scores are compared, so the intervals are not symmetric." if comparison.ratio else ""
    law = "the t distribution" if comparison.family < 2 else "Dunnett's distribution"
    what = "their logarithms" if comparison.ratio else "the differences"
    return (
        f"Intervals are 95 % intervals of the mean paired difference from the baseline, valid{at_once}{analyses}, from "
        f"{law}. They assume that {what} are normal and seeds independent. {scale}"
    ).strip()


def _intervals_of_items(comparison: Comparison, words: ReplicateWords) -> str:
    if (comparison.compared["pairs"] > 1).any():
        law = "the paired t distribution" if words.is_paired else "Welch's t distribution"
        return f"Intervals are 95 % intervals of the difference from the baseline over {words.many}, from {law}."
    return f"Intervals are from standard errors over images (block jackknife): {IMAGES_ALONE}."


def _covered(frames: StudyFrames) -> str:
    """Which draws differ between seeds."""
    sets = quantity(len(frames.protocol.get("noise_sets", ())) or 1, "noise set")
    if is_noise_per_seed(frames.protocol):
        noise = f"and the noise of sampling, as each seed has {sets} of its own, which its arms share"
    else:
        noise = f"but not that of sampling, as all runs are sampled from the same {sets}"
    return (
        "They cover the variability of training again (initialisation, order of the data and noise of training, which "
        f"a seed determines for all arms), {noise}."
    )


def _sizes(comparison: Comparison, split: VarianceSplit) -> str:
    parts = {
        "the training seed": split.training_seed,
        "the noise set": split.noise_set,
        "how a run reacts to a noise set": split.residual,
    }
    known = {name: variance**0.5 for name, variance in parts.items() if isfinite(variance)}
    if not known:
        return ""
    decimals = decimals_for(max(known.values()))
    words = join_words([f"{number(sd, decimals)} by {name}" for name, sd in known.items()])
    return f"Standard deviation of one {comparison.label} by source: {words}."


def _left_out(frames: StudyFrames) -> str:
    cells = frames.cells[frames.cells["phase"] == Phase.CONFIRM]
    diverged = int(cells["diverged"].sum())
    failed = int((cells["status"] == CellStatus.FAILED).sum()) - diverged
    excluded = int((cells["status"] == CellStatus.EXCLUDED).sum())
    missing = int((cells["status"] == CellStatus.MISSING).sum())
    parts = {"diverged": diverged, "failed otherwise": failed, "excluded by hand": excluded, "not finished": missing}
    named = [f"{count} {word}" for word, count in parts.items() if count]
    if cells.empty:
        return ""
    if not named:
        return f"All {quantity(len(cells), 'planned replicate')} of all arms have a score that counts."
    return f"Of {quantity(len(cells), 'planned replicate')} of all arms, these have no score: {join_words(named)}."
