"""A study before it runs: arms, cost and power."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

from sweep.api.forecast import ArmForecast, StudyForecast, changes_text
from sweep.api.locations import storage_url
from sweep.api.plugins import check_plugins
from sweep.api.power import Power, power_of
from sweep.api.starting_weights import check_starting_weights
from sweep.api.study_plan import plan_of
from sweep.commands import command
from sweep.config.designs.arms import Arm
from sweep.config.study import Study
from sweep.diffusion.facts import ScheduleFacts
from sweep.errors import SweepError
from sweep.executors.local import Slot, slots
from sweep.planning.plan import StudyPlan
from sweep.search.images import check_images, read_images
from sweep.store.states import FailureClass
from sweep.worker.child import Child
from sweep.worker.messages import Failed, Timed
from sweep.worker.orders import MeasureJob

__all__ = ["ArmForecast", "Power", "StudyForecast", "changes_text", "plan"]

logger = logging.getLogger(__name__)


def plan(
    study: Study | str | os.PathLike[str],
    *,
    overrides: Mapping[str, object] | None = None,
    device: str = "auto",
    workers: int | None = None,
    measure: bool = True,
    storage: str | None = None,
    trust: bool = False,
) -> StudyForecast:
    """Check a study, and forecast its arms, cost and power. Writes nothing.

    Args:
        study: The study, or the path of its file.
        overrides: Dotted key -> value that replaces or adds to what the file says, e.g. {"baseline.lr": 3e-4}; only
            together with the path of a file.
        device: `auto`, `cpu`, `cuda`, or one GPU such as `cuda:0`.
        workers: Number of workers to estimate the time for; None for one on each GPU, or on each core without a GPU.
        measure: Whether to time a few steps, from which time and disk space are estimated. Otherwise all images of a
            folder are read.
        storage: URL of a database whose studies serve as pilots of the power; None for SWEEP_STORAGE or
            `sweep-data/sweep.db`. There need not be one.
        trust: Whether you say that the plugins of the study may be run. It is remembered, and asked for once a version.

    Returns:
        The forecast. Its `notes` say the same in sentences.

    Raises:
        UsageError: The study file is wrong, an arm cannot be trained, or there is no such device.
        DataError: The images of the study cannot be used.
        SweepError: The baseline does not run on this machine.

    Example:
        forecast = sweep.plan("studies/digits.yaml", device="cpu")
        print(forecast.trainings, forecast.seconds)
    """
    study_plan = plan_of(study, overrides=overrides)
    images = check_images(study_plan.study) if measure else read_images(study_plan.study)
    worker_slots = slots(device, workers, work=study_plan.work)
    study_plan = check_plugins(study_plan, worker_slots[0], trust=trust)
    check_starting_weights(study_plan)
    file = None if isinstance(study, Study) else os.fspath(study)
    is_timed = measure and study_plan.study.design.trains
    timing = _measure(study_plan, worker_slots[0], file) if is_timed else None
    remarks = () if images is None else images.remarks if timing is None else timing.remarks
    return StudyForecast(
        plan=study_plan,
        arms=[_arm_forecast(arm, study_plan.facts[arm.name]) for arm in study_plan.arms],
        devices=[slot.device for slot in worker_slots],
        power=power_of(study_plan, storage_url(storage)) if study_plan.study.design.trains else None,
        fraction=study_plan.study.design.fraction(study_plan.study),
        images=images,
        image_notes=remarks,
        timing=timing,
    )


def _arm_forecast(arm: Arm, facts: ScheduleFacts | None) -> ArmForecast:
    if facts is None:  # images are given; plugins were checked
        return ArmForecast(arm.name, arm.changes, None, None, None, None)
    return ArmForecast(arm.name, arm.changes, facts.alphas_bar_T, facts.snr_T, facts.snr_1, facts.prior_bits_per_dim)


def _measure(plan: StudyPlan, slot: Slot, file: str | None) -> Timed | None:
    """Times of the baseline here; None, with a message, on a machine that lacks what a training needs."""
    child = Child(device=slot.device, threads=slot.threads)
    try:
        job = MeasureJob(plan.example_train(), plan.study.protocol.n, plan.study.plugin_sources)
        outcome = child.run(job, on_message=lambda _: None, on_poll=lambda: False)
    finally:
        child.close()
    if isinstance(outcome, Timed):
        return outcome
    assert isinstance(outcome, Failed)
    reason, *rest = outcome.reason.splitlines() or [""]
    if outcome.failure in (FailureClass.INFRA, FailureClass.NO_IMAGES):
        read_images(plan.study)  # where they are what is wrong, a launch would refuse them too
        logger.info(f"no times: {reason}")
        if rest:
            logger.info(f" next: {rest[-1]}")
        return None
    without_timing = command("plan", file or "FILE", "--no-measure")
    raise SweepError(
        "the baseline does not run here",
        why=reason,
        next="; ".join([*rest[-1:], f"without timing: {without_timing}"]),
    )
