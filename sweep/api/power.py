"""What a study will be able to show, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sweep.config.interim_analyses import MIN_SEEDS
from sweep.config.study import Study
from sweep.errors import StoreMissing
from sweep.planning.plan import StudyPlan
from sweep.reporting.frames.frames import load_frames
from sweep.reporting.stats.comparison import compare_arms
from sweep.reporting.stats.interim import alpha_spending
from sweep.reporting.stats.power import POWER, seeds_needed, standard_effect
from sweep.statistics.alpha_spending import AlphaSpending
from sweep.statistics.expected_seeds import LARGE, expected_trainings_until_decided
from sweep.statistics.paired import ALPHA
from sweep.store.opening import read_store
from sweep.store.sql.transaction import Store
from sweep.store.studies.studies import studies


@dataclass(frozen=True, kw_only=True)
class Power:
    """The deciding test of a study, and the smallest effect that it detects.

    Attributes:
        seeds: Paired seeds of every arm.
        arms: Arms that are compared with the baseline.
        test: The test that decides: `dunnett`, or `t` of a single arm.
        power: Probability with which the effect below is detected.
        effect_in_sd: Smallest effect detected with this power, in standard deviations of a paired difference; None
            with too few seeds for a verdict.
        interim_seeds: Seeds after which there is an interim analysis; empty where none is declared.
        interim_shape: Shape of the alpha spending; empty where none is declared.
        interim_levels: Level of each analysis, the last one included.
        pilot_sd: Standard deviation of a paired difference, in units of the score; None where nothing tells it.
        pilot: Where `pilot_sd` comes from, in words.
        smallest_effect: The effect that matters, as the study file says; None where it does not.
        expected_trainings: Mean trainings of a study that stops decided arms: where no arm differs, and where all
            differ by three standard deviations of a paired difference; None for other studies.
        seeds_needed: Seeds that detect `smallest_effect`; None where up to 1,000 are not enough, or it is not known.
    """

    seeds: int
    arms: int
    test: str
    power: float
    effect_in_sd: float | None
    interim_seeds: Sequence[int] = ()
    interim_shape: str = ""
    interim_levels: Sequence[float] = ()
    pilot_sd: float | None = None
    pilot: str = ""
    smallest_effect: float | None = None
    seeds_needed: int | None = None
    expected_trainings: tuple[float, float] | None = None

    @property
    def effect(self) -> float | None:
        """Smallest effect detected, in units of the score; None where no pilot tells the standard deviation."""
        return None if self.effect_in_sd is None or self.pilot_sd is None else self.effect_in_sd * self.pilot_sd

    def document(self) -> dict[str, Any]:
        """The same as JSON, with the keys of `sweep plan --json`."""
        content: dict[str, Any] = {
            "seeds": self.seeds,
            "arms": self.arms,
            "test": self.test,
            "power": self.power,
            "effect_in_sd": self.effect_in_sd,
        }
        if self.interim_levels:
            content["interim_analyses"] = {
                "at": list(self.interim_seeds),
                "shape": self.interim_shape,
                "levels": list(self.interim_levels),
            }
        if self.expected_trainings is not None:
            none, large = self.expected_trainings
            content["expected_trainings"] = {"no_arm_differs": none, "all_differ_by_3_sd": large}
        if self.effect is not None:
            content |= {"pilot_sd": self.pilot_sd, "pilot": self.pilot, "effect": self.effect}
            content["smallest_effect"] = self.smallest_effect
            if self.smallest_effect is not None:
                content["seeds_needed"] = self.seeds_needed
        return content


def power_of(plan: StudyPlan, storage: str) -> Power | None:
    """The power of a study.

    Args:
        plan: The study.
        storage: URL of a database, whose studies of the same baseline and protocol serve as pilots.

    Returns:
        The power; None where no arm is compared with the baseline.
    """
    study = plan.study
    arms = study.design.compared_arms(study, len(plan.arms))
    if not arms:
        return None
    spending = alpha_spending(study.model_dump(mode="json"))
    levels = [float(level) for level in spending.levels()] if spending else [ALPHA]
    sd, source = (study.pilot_sd, "the study file") if study.pilot_sd else _pilot(study, storage)
    needed = None
    if sd is not None and study.smallest_effect is not None:
        # Without interim analyses, which cost a few seeds more at the end and save many on the way.
        needed = seeds_needed(study.smallest_effect, sd, arms=arms)
    return Power(
        seeds=study.seeds,
        arms=arms,
        test="t" if arms == 1 else "dunnett",
        power=POWER,
        effect_in_sd=standard_effect(study.seeds, arms, POWER, levels[-1]) if study.seeds >= MIN_SEEDS else None,
        interim_seeds=spending.seeds if spending else (),
        interim_shape=spending.shape if spending else "",
        interim_levels=levels if spending else (),
        pilot_sd=sd,
        pilot=source,
        smallest_effect=study.smallest_effect,
        seeds_needed=needed,
        expected_trainings=_expected(study, spending, arms, sd),
    )


def _expected(study: Study, spending: AlphaSpending | None, arms: int, sd: float | None) -> tuple[float, float] | None:
    if spending is None or not study.stops_decided:
        return None
    margin = study.smallest_effect / sd if study.smallest_effect is not None and sd else 0.0
    none, large = (expected_trainings_until_decided(spending, arms, effect, margin) for effect in (0.0, LARGE))
    return none, large


def _pilot(study: Study, storage: str) -> tuple[float | None, str]:
    """Paired standard deviation over the studies of a database with the same baseline and protocol, and their names."""
    try:
        store = read_store(storage)
    except StoreMissing:  # nothing was launched yet
        return None, ""
    try:
        return _pooled_sd(study, store)
    finally:
        store.close()


def _pooled_sd(study: Study, store: Store) -> tuple[float | None, str]:
    spec = study.model_dump(mode="json")
    squares, freedom, names = 0.0, 0, []
    for record in studies(store):
        if any(record.spec.get(key) != spec[key] for key in ("baseline", "protocol", "metric")):
            continue
        comparison = compare_arms(load_frames(store.engine, record.name))
        if not comparison.confirmatory:
            continue
        pairs = comparison.compared[comparison.compared["pairs"] >= 2]
        if len(pairs):
            squares += float((pairs["paired_sd"] ** 2 * (pairs["pairs"] - 1)).sum())
            freedom += int((pairs["pairs"] - 1).sum())
            names.append(record.name)
    return ((squares / freedom) ** 0.5, f"study {', '.join(names)} in the store") if freedom else (None, "")
