"""`sweep plan`: what a study would do. Changes nothing."""

from __future__ import annotations

from typing import Annotated

import typer

import sweep
from sweep import api
from sweep.api.locations import DEFAULT_STORAGE, store_options
from sweep.cli.options import Device, Json, Overrides, Storage, StudyFile, Trust, override_words
from sweep.cli.terminal import echo, print_json, print_line, print_table, print_text, spinner
from sweep.commands import command
from sweep.limits import MAX_WORKERS


def plan_command(
    file: StudyFile,
    device: Device = "auto",
    workers: Annotated[
        int | None, typer.Option(min=1, max=MAX_WORKERS, help="Number of workers to estimate the time for.")
    ] = None,
    measure: Annotated[bool, typer.Option(help="Time a few steps, to estimate how long the study takes.")] = True,
    storage: Storage = DEFAULT_STORAGE,
    overrides: Overrides = None,
    trust: Trust = False,
    show_study: Annotated[
        bool, typer.Option("--show-study", help="Print the study as one file, with all that it extends, and end.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check a study file; print its arms, cost and power.

    The output has the arms, the numbers of trainings and scores, the smallest effect that the seeds can detect, and
    estimates of time and disk space. Writes nothing.

    \b
    Examples: sweep plan studies/digits.yaml
              sweep plan studies/digits.yaml --no-measure --json
              sweep plan studies/digits.yaml -s baseline.lr=3e-4 -s seeds=5
              sweep plan studies/digits.yaml -s seeds=5 --show-study > five-seeds.yaml
    """
    values = api.study_files.parse_overrides(overrides or ())
    if show_study:
        study = api.study_files.merged_study(file, values)
        if as_json:
            print_json(study)
        else:
            print_text(api.study_files.yaml_text(study))
        return
    with spinner("timing a few steps here" if measure else "reading the study and its images"):
        forecast = sweep.plan(
            file, overrides=values, device=device, workers=workers, measure=measure, storage=storage, trust=trust
        )
    if as_json:
        print_json(forecast.document())
        return
    print_line(forecast.plan.study.question)
    rows = [
        (arm.name, api.plan.changes_text(arm), arm.alphas_bar_T, arm.snr_T, arm.prior_bits_per_dim)
        for arm in forecast.arms
    ]
    if items := api.given_items.item_rows(forecast.plan.study):
        print_table("", ["arm", "items"], items)
    else:
        print_table("", ["arm", "differs from the baseline in", "alphas_bar_T", "SNR_T", "prior bits/dim"], rows)
    for note in forecast.notes:
        print_line(note)
    echo(f"next: {command('launch', file, *override_words(overrides), *store_options(storage))}")
