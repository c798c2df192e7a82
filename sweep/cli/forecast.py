"""What a study will be able to show, before anything is trained: tests, detectable effects, aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweep.config.designs.fractional_factorial import Fraction
    from sweep.config.study import Study
    from sweep.design.plan import StudyPlan


def power(asked: StudyPlan, storage: str) -> dict[str, Any] | None:
    """The deciding test, how many arms it can confirm, and the smallest effect that is seen with 80 % power.

    None where no arm is compared with the baseline.

    Effects are in standard deviations of the paired differences, and in units of the score where a pilot tells them.
    """
    from sweep.config.interim_analyses import MIN_SEEDS
    from sweep.reporting.stats.interim import alpha_spending
    from sweep.reporting.stats.paired import ALPHA, arms_confirmable, deciding_test
    from sweep.reporting.stats.power import POWER, seeds_needed, standard_effect

    study = asked.study
    arms = study.design.compared_arms(study, len(asked.arms))
    if not arms:
        return None
    spending = alpha_spending(study.model_dump(mode="json"))
    levels = [float(level) for level in spending.levels()] if spending else [ALPHA]
    test = deciding_test(study.seeds, arms=arms, alpha=levels[-1])
    effect = standard_effect(study.seeds, arms, test, POWER, levels[-1]) if study.seeds >= MIN_SEEDS else None
    told: dict[str, Any] = {
        "seeds": study.seeds,
        "arms": arms,
        "test": test,
        "arms_confirmable_by_sign_flip": arms_confirmable(study.seeds, alpha=levels[-1]),
        "power": POWER,
        "effect_in_sd": effect,
    }
    if spending is not None:
        told["interim_analyses"] = {"at": list(spending.seeds), "shape": spending.shape, "levels": levels}
    sd, source = (study.pilot_sd, "the study file") if study.pilot_sd else pilot(study, storage)
    if sd is not None and effect is not None:
        told |= {"pilot_sd": sd, "pilot": source, "effect": effect * sd, "smallest_effect": study.smallest_effect}
        if study.smallest_effect is not None:
            # Without interim analyses, which cost a few seeds more at the end and save many on the way.
            told["seeds_needed"] = seeds_needed(study.smallest_effect, sd, arms=arms)
    return told


def pilot(study: Study, storage: str) -> tuple[float | None, str]:
    """Paired standard deviation of confirmed arms of the same baseline and protocol, over the store's studies."""
    from sweep.errors import StoreMissing
    from sweep.reporting.frames.frames import load_study
    from sweep.reporting.stats.comparison import compare
    from sweep.store.opening import read_store
    from sweep.store.studies.studies import studies

    try:
        store = read_store(storage)
    except StoreMissing:  # nothing was launched yet
        return None, ""
    asked = study.model_dump(mode="json")
    same = ("baseline", "protocol", "metric")
    squares, freedom, names = 0.0, 0, []
    try:
        for record in studies(store):
            if any(record.spec.get(key) != asked[key] for key in same):
                continue
            found = compare(load_study(store.engine, record.name))
            known = found.compared[found.compared["pairs"] >= 2] if found.confirmatory else found.compared.iloc[:0]
            if len(known):
                squares += float((known["paired_sd"] ** 2 * (known["pairs"] - 1)).sum())
                freedom += int((known["pairs"] - 1).sum())
                names.append(record.name)
    finally:
        store.close()
    return ((squares / freedom) ** 0.5, f"study {', '.join(names)} in the store") if freedom else (None, "")


def power_lines(told: dict[str, Any], metric: str) -> list[str]:
    """The same in sentences."""
    seeds, arms = told["seeds"], told["arms"]
    if told["effect_in_sd"] is None:
        return [f"{_seeds(seeds)} cannot give a verdict: it needs at least 3 seeds, and 6 for an exact test"]
    confirmable = told["arms_confirmable_by_sign_flip"]
    decides = "and decides" if told["test"] == "sign-flip" else "so the paired t test decides"
    lines = [
        f"{_seeds(seeds)}: an exact test can confirm {min(confirmable, arms)} of {arms} "
        f"arm{'s' * (arms != 1)} after Holm, {decides}",
        f"smallest difference detected with {told['power']:.0%} power: {told['effect_in_sd']:.1f} standard deviations "
        "of a paired difference",
    ]
    if "interim_analyses" in told:
        levels = ", ".join(f"{level:.2g}" for level in told["interim_analyses"]["levels"])
        after = ", ".join(map(str, told["interim_analyses"]["at"]))
        lines.append(
            f"interim analyses after {after} seeds: one arm may be decided below p = {levels} in turn; "
            "verdicts change only there"
        )
    if "effect" in told:
        lines[1] += (
            f" = {told['effect']:.3g} {metric.upper()}, with the standard deviation {told['pilot_sd']:.3g} "
            f"of {told['pilot']}"
        )
        wanted, needed = told["smallest_effect"], told.get("seeds_needed")
        if wanted is not None and told["effect"] > wanted:
            enough = f"{needed} seeds would be" if needed is not None else "no number of seeds to 1,000 is"
            lines.append(f"that is more than the smallest effect of {wanted:g} that matters to you: {enough} enough")
    return lines


def _seeds(count: int) -> str:
    return f"{count} paired seed{'s' * (count != 1)}"


def fraction_document(fraction: Fraction) -> dict[str, Any]:
    """Generators, defining relation, resolution and aliases."""
    return {
        "resolution": fraction.resolution,
        "generators": {name: list(parents) for name, parents in fraction.generators.items()},
        "words": [fraction.shown(word) for word in fraction.words],
        "aliases": [
            f"{fraction.shown(alias.effect)} = {'-' if alias.sign < 0 else ''}{fraction.shown(alias.with_)}"
            for alias in fraction.aliases()
        ],
    }


def fraction_lines(told: dict[str, Any], factors: int) -> list[str]:
    """The same in sentences."""
    size = f"2^({factors}-{len(told['generators'])})"
    generated = "; ".join(f"{name} follows {', '.join(parents)}" for name, parents in told["generators"].items())
    lines = [f"{size} fraction of resolution {told['resolution']}: {generated}"]
    if told["aliases"]:
        return [*lines, "cannot be told apart: " + "; ".join(told["aliases"])]
    return [*lines, "no main effect or pair of factors is aliased with another"]
