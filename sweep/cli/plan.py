"""`sweep plan`: what a study would do. Changes nothing."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweep.cli.options import DEFAULT_STORAGE, Device, Json, Storage, StudyFile, store_options
from sweep.commands import command
from sweep.limits import MAX_WORKERS

if TYPE_CHECKING:
    from sweep.config.study import Study
    from sweep.design.plan import StudyPlan
    from sweep.executors.local import Slot
    from sweep.scoring.needs import Data
    from sweep.worker.messages import Timed

# The field's chains are longer; what a schedule is named for is tried and published there.
logger = logging.getLogger(__name__)

SHORTEST_USUAL_T = 50


def plan(
    file: StudyFile,
    device: Device = "auto",
    workers: Annotated[
        int | None, typer.Option(min=1, max=MAX_WORKERS, help="Number of workers to estimate the time for.")
    ] = None,
    measure: Annotated[bool, typer.Option(help="Time a few steps, to estimate how long the study takes.")] = True,
    storage: Storage = DEFAULT_STORAGE,
    as_json: Json = False,
) -> None:
    """Check a study file; print its arms, cost and power.

    The output has the arms, the numbers of trainings and scores, the smallest effect that the seeds can detect, and
    estimates of time and disk space. Writes nothing.

    \b
    Examples: sweep plan studies/digits.yaml
              sweep plan studies/digits.yaml --no-measure --json
    """
    from dataclasses import asdict

    from sweep.design.plan import read_study_plan
    from sweep.executors.local import slots
    from sweep.search.images import check_images

    asked = read_study_plan(file)
    images = check_images(asked.study) if measure else _read_images(asked.study)
    places = slots(device, workers, work=asked.trainings)
    timed = _measure(file, asked, places) if measure else None
    document = _document(asked, places, timed, storage)
    if images is not None:
        remarks = images.remarks if timed is None else timed.remarks
        document["images"] = {**asdict(images.sizes), "found": [str(images), *remarks]}
    if as_json:
        from sweep.cli.terminal import print_json

        print_json(document)
    else:
        _print(file, asked, document, storage)


def _read_images(study: Study) -> Data | None:
    from sweep.cli.console import stderr
    from sweep.search.images import read_images

    with stderr.status("reading the images"):
        return read_images(study)


def _measure(file: Path, asked: StudyPlan, places: list[Slot]) -> Timed | None:
    """Times of the baseline here; None, and said why, on a machine that lacks what a training needs."""
    from sweep.cli.console import stderr
    from sweep.errors import SweepError
    from sweep.worker.child import Child
    from sweep.worker.messages import Failed, MeasureJob, Timed

    child = Child(device=places[0].device, threads=places[0].threads)
    try:
        with stderr.status("timing a few steps here", spinner="line"):
            outcome = child.run(MeasureJob(asked.example_train()), on_message=lambda _: None, on_poll=lambda: False)
    finally:
        child.close()
    if isinstance(outcome, Timed):
        return outcome
    assert isinstance(outcome, Failed)
    reason, *rest = outcome.reason.splitlines() or [""]
    if outcome.failure in ("infra", "no_images"):
        _read_images(asked.study)  # where they are what is wrong, a launch would refuse them too
        logger.info(f"no times: {reason}")
        if rest:
            logger.info(f" next: {rest[-1]}")
        return None
    raise SweepError(
        "the baseline does not run here",
        why=reason,
        next="; ".join([*rest[-1:], f"without timing: {command('plan', file, '--no-measure')}"]),
    )


def _document(asked: StudyPlan, places: list[Slot], timed: Timed | None, storage: str) -> dict[str, Any]:
    from sweep.cli.forecast import fraction_document, power
    from sweep.design.feasibility import check_setting

    study = asked.study
    arms = []
    for arm in asked.arms:
        facts = check_setting(study.setting(arm.changes), name=arm.name)
        arms.append({"name": arm.name, "changes": arm.changes, "alphas_bar_T": facts.alphas_bar_T, "snr_T": facts.snr_T,
                     "snr_1": facts.snr_1, "prior_bits_per_dim": facts.prior_bits_per_dim})  # fmt: skip
    document: dict[str, Any] = {
        "study": study.name,
        "question": study.question,
        "design": study.design.kind,
        "arms": arms,
        "arms_sha256": asked.arms_sha256,
        "seeds": study.seeds,
        "trainings": asked.trainings,
        "scores": asked.scores,
        "trainings_saved": asked.trainings_saved,
        "workers": [place.device for place in places],
        "short_chains": [arm.name for arm in asked.arms if study.setting(arm.changes).T < SHORTEST_USUAL_T],
        "power": power(asked, storage),
    }
    fraction = study.design.fraction(study)
    if fraction is not None:
        document["fraction"] = fraction_document(fraction)
    if timed is not None:
        document |= {
            "parameters": timed.parameters,
            "step_seconds": timed.step_seconds,
            "seconds": asked.seconds(
                step_seconds=timed.step_seconds, call_seconds=timed.call_seconds, parallel=len(places)
            ),
            "disk_bytes": asked.disk_bytes(parameters=timed.parameters),
        }
    return document


def _print(file: Path, asked: StudyPlan, document: dict[str, Any], storage: str) -> None:
    from sweep.cli.console import stdout, table
    from sweep.config.factors import level_name

    stdout.print(asked.study.question, markup=False)
    rows = [
        (arm["name"], ", ".join(f"{k}: {level_name(v)}" for k, v in arm["changes"].items()) or "-",
         arm["alphas_bar_T"], arm["snr_T"], arm["prior_bits_per_dim"])
        for arm in document["arms"]
    ]  # fmt: skip
    stdout.print(table("", ["arm", "differs from the baseline in", "alphas_bar_T", "SNR_T", "prior bits/dim"], rows))
    for line in _lines(asked, document):
        stdout.print(line, markup=False)
    stdout.print(f"next: {command('launch', file, *store_options(storage))}", markup=False, soft_wrap=True)


def _lines(asked: StudyPlan, document: dict[str, Any]) -> list[str]:
    from sweep.cli.forecast import fraction_lines, power_lines
    from sweep.cli.terminal import duration, size
    from sweep.config.protocol_request import MIN_NOISE_SETS

    study = asked.study
    lines = [line for line in [study.design.plan_text(study), _subset(study)] if line]
    if "fraction" in document:
        lines += fraction_lines(document["fraction"], len(study.factors_of("scientific")))
    lines.append(
        f"{document['trainings']} trainings ({study.seeds} seed{'s' * (study.seeds != 1)}), "
        f"{document['scores']} scores of {study.protocol.noise_sets} x {study.protocol.n:,} images"
    )
    if study.protocol.noise_sets < MIN_NOISE_SETS:
        lines.append(
            f"note: at least {MIN_NOISE_SETS} noise sets are needed to see how much a score depends on the noise"
        )
    lines += [*document.get("images", {}).get("found", ()), *asked.notes]
    if document["trainings_saved"]:
        scored = ", ".join(study.factors_of("evaluation"))
        lines.append(
            f"{document['trainings_saved']} trainings saved: all levels of {scored} are scored from one checkpoint"
        )
    if document["short_chains"]:
        lines.append(
            f"note: T below {SHORTEST_USUAL_T} in {', '.join(document['short_chains'])}: schedules were made for "
            "longer chains; look at alphas_bar_T and SNR_T above"
        )
    if document["power"] is not None:
        lines += power_lines(
            document["power"],
            "FCD" if study.metric == "fid" and study.protocol.extractor == "classifier" else study.metric,
        )
    if "seconds" in document:
        lines.append(
            f"about {duration(document['seconds'])} on {len(document['workers'])} workers "
            f"({', '.join(sorted(set(document['workers'])))}; {document['step_seconds'] * 1e3:.1f} ms a step), "
            f"{size(document['disk_bytes'])} of disk; the net has {document['parameters']:,} parameters"
        )
    return [
        *lines,
        f"hash of the list of arms: {document['arms_sha256'][:12]} (recorded at launch)",
    ]


def _subset(study: Study) -> str:
    """That a search sampler will model only some of the trials, where it will."""
    from sweep.design.arms import evaluation_levels
    from sweep.design.tuning import MAX_MODELLED, exceeds, tuning_runs_of

    levels = len(evaluation_levels(study))
    for tuning_run in tuning_runs_of(study):
        sampler, finished = tuning_run.search_sampler, tuning_run.trials * levels
        if exceeds(sampler, finished):
            return (
                f"note: search sampler {sampler} models at most {MAX_MODELLED[sampler]} of {finished:,} scores, the "
                "best half and a sample of the others; tpe models all"
            )
    return ""
