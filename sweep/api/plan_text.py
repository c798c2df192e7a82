"""Parts of the forecast of a study in sentences."""

from __future__ import annotations

from typing import Any

from sweep.api.power import Power
from sweep.config.designs.fractional_factorial import Fraction
from sweep.config.study import Study
from sweep.planning.arms import evaluation_levels
from sweep.planning.tuning import MAX_MODELLED, exceeds, tuning_runs_of
from sweep.quantities import quantity
from sweep.statistics.verdicts import NEGLIGIBLE


def power_sentences(power: Power, metric: str) -> list[str]:
    """The power of a study in sentences.

    Args:
        power: The power.
        metric: Name of the score that decides.

    Returns:
        Tests, smallest effect and interim analyses.
    """
    seeds = quantity(power.seeds, "paired seed")
    if power.effect_in_sd is None:
        return [f"{seeds} cannot give a verdict: at least 3 are needed"]
    dunnett = f"Dunnett's step-down test decides, over all {power.arms} arms at once"
    decides = "the paired t test decides" if power.test == "t" else dunnett
    effect = ""
    if power.effect is not None:
        effect = (
            f" = {power.effect:.3g} {metric.upper()}, with the standard deviation {power.pilot_sd:.3g} of {power.pilot}"
        )
    sentences = [
        f"{seeds}: {decides}",
        f"smallest difference detected with {power.power:.0%} power: {power.effect_in_sd:.1f} standard deviations "
        f"of a paired difference{effect}",
    ]
    sentences += _interim_sentences(power)
    if power.effect is not None and power.smallest_effect is not None and power.effect > power.smallest_effect:
        needed = power.seeds_needed
        enough = "no number of seeds to 1,000 is" if needed is None else f"{needed} seeds would be"
        sentences.append(
            f"that is more than the smallest effect of {power.smallest_effect:g} that matters to you: {enough} enough"
        )
    if power.smallest_effect is None:
        sentences.append(
            f"smallest_effect is not stated, so reports take {NEGLIGIBLE:.1%} of the baseline's score, which is what "
            "retraining alone changes; state the smallest difference that matters to you"
        )
    return sentences


def _interim_sentences(power: Power) -> list[str]:
    sentences = []
    if power.interim_levels:
        levels = ", ".join(f"{level:.2g}" for level in power.interim_levels)
        sentences.append(
            f"interim analyses after {', '.join(map(str, power.interim_seeds))} seeds: an arm may be decided below "
            f"p = {levels} in turn, adjusted for all arms; verdicts change only there"
        )
    if power.expected_trainings is not None:
        none, large = power.expected_trainings
        all_of_them = (power.arms + 1) * power.seeds
        sentences.append(
            f"arms that an analysis decides, or that no later one would decide, get no more seeds: about {none:.0f} of "
            f"{all_of_them} trainings where no arm differs, about {large:.0f} where all differ by three standard "
            "deviations"
        )
    return sentences


def fraction_sentences(fraction: Fraction, factors: int) -> list[str]:
    """A fractional factorial design in sentences.

    Args:
        fraction: The fraction.
        factors: Number of its factors.

    Returns:
        Size, generators and aliases.
    """
    size = f"2^({factors}-{len(fraction.generators)})"
    generators = "; ".join(f"{name} follows {', '.join(parents)}" for name, parents in fraction.generators.items())
    first = f"{size} fraction of resolution {fraction.resolution}: {generators}"
    aliases = fraction_document(fraction)["aliases"]
    if aliases:
        return [first, "cannot be told apart: " + "; ".join(aliases)]
    return [first, "no main effect or pair of factors is aliased with another"]


def subset_sentence(study: Study) -> str:
    """That a search sampler will model only some of the trials; empty where it models all.

    Args:
        study: The study.
    """
    levels = len(evaluation_levels(study))
    for tuning_run in tuning_runs_of(study):
        sampler, finished = tuning_run.search_sampler, tuning_run.trials * levels
        if exceeds(sampler, finished):
            return (
                f"note: search sampler {sampler} models at most {MAX_MODELLED[sampler]} of {finished:,} scores, the "
                "best half and a sample of the others; tpe models all"
            )
    return ""


def fraction_document(fraction: Fraction) -> dict[str, Any]:
    """Generators, defining relation, resolution and aliases of a fraction as JSON.

    Args:
        fraction: The fraction.

    Returns:
        Names of factors and effects as text.
    """
    return {
        "resolution": fraction.resolution,
        "generators": {name: list(parents) for name, parents in fraction.generators.items()},
        "words": [fraction.shown(word) for word in fraction.words],
        "aliases": [
            f"{fraction.shown(alias.effect)} = {'-' if alias.sign < 0 else ''}{fraction.shown(alias.with_)}"
            for alias in fraction.aliases()
        ],
    }
