"""Stores of studies with any design, whose arms the real design makes: the factors are three, or one number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweep.config.study import Study
from sweep.planning.arms import arms_of
from tests.helpers.report_specs import ArmSpec, StoreSpec
from tests.reporting.conftest import Store, make_store

THREE: dict[str, Any] = {
    "schedule": {"role": "scientific", "levels": ["cosine"]},
    "loss": {"role": "scientific", "levels": {"clipped": {"weighting": "vlb", "weight_clip": [0, 1]}}},
    "lr": {"role": "scientific", "levels": [0.002]},
}
CROSSED: dict[str, Any] = {
    "schedule": {"role": "scientific", "levels": ["linear_scaled", "cosine"]},
    "loss": {
        "role": "scientific",
        "levels": {"simple": {"weighting": "simple"}, "clipped": {"weighting": "vlb", "weight_clip": [0, 1]}},
    },
    "lr": {"role": "scientific", "levels": [0.0002, 0.002]},
}
"""Levels of a factorial, which names the baseline's, too."""
CHAIN: dict[str, Any] = {"T": {"role": "scientific", "levels": [100, 200, 500, 1000]}}


def designed_store(
    folder: Path,
    design: Mapping[str, Any],
    *,
    factors: Mapping[str, Any] = THREE,
    effects: Mapping[str, float] | None = None,
    steps: tuple[str, ...] = (),
    **changes: Any,
) -> Store:
    """A store with one study, worked through.

    Args:
        folder: Where it lies.
        design: As the study file states it.
        factors: The scientific factors.
        effects: Arm -> what is added to its FIDs.
        steps: Arms of a path between the baseline and its end, which its design finds only as scores come in.
        changes: Of the `StoreSpec`.
    """
    spec = StoreSpec([], design=design, factors=factors, curves=False, grids=False, **changes)
    study = Study.model_validate(
        {
            "name": "s",
            "question": "?",
            "baseline": {"data": "digits", "net": "mlp_small", **spec.baseline},
            "factors": dict(factors),
            "design": dict(design),
            "seeds": spec.seeds,
        }
    )
    found = {arm.name: dict(arm.changes) for arm in arms_of(study)}
    for step in steps:
        parts = [part.split("=") for part in step.split(" + ")]
        found[step] = {k: v for factor, level in parts for k, v in study.levels_of(factor)[level].items()}
    planted = effects or {}
    assert planted.keys() <= found.keys(), sorted(found)
    arms = [ArmSpec(name, changes, effect=planted.get(name, 0.0)) for name, changes in found.items()]
    return make_store(folder, StoreSpec(**{**vars(spec), "arms": arms}))
