"""All verbs of the command in one list."""

from __future__ import annotations

from typing import Annotated

import typer

from sweep.cli import (
    bench,
    compare,
    control,
    dashboard,
    data,
    docs,
    doctor,
    export,
    garbage,
    grow,
    init,
    launch,
    plan,
    repair,
    report,
    sample,
    schema,
    score,
    status,
    studies,
    train,
    trials,
    worker,
)
from sweep.cli.command_groups import CommandGroup, GroupedCommands
from sweep.console_log import log_to_console

app = typer.Typer(
    name="sweep",
    cls=GroupedCommands,
    help="Hyperparameter sweeps and ablations of denoising diffusion models.\n\n"
    "You write one study file in YAML. `launch` starts or resumes it, and `report` compares its arms.",
    epilog="Start with: sweep docs quickstart",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def sweep(
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool, typer.Option("--version", callback=schema.print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the command as a whole."""
    log_to_console()


app.command("init", rich_help_panel=CommandGroup.RUN)(init.init_command)
app.command("data", rich_help_panel=CommandGroup.RUN)(data.data_command)
app.command("plan", rich_help_panel=CommandGroup.RUN)(plan.plan_command)
app.command("launch", rich_help_panel=CommandGroup.RUN)(launch.launch_command)
app.command("worker", rich_help_panel=CommandGroup.RUN)(worker.worker_command)
app.command("train", rich_help_panel=CommandGroup.RUN)(train.train_command)

app.command("status", rich_help_panel=CommandGroup.WATCH)(status.status_command)
app.add_typer(trials.app, name="trials", rich_help_panel=CommandGroup.WATCH)
trials.app.command("rerun")(repair.rerun_command)
trials.app.command("exclude")(repair.exclude_command)
trials.app.command("repro")(repair.repro_command)
app.command("dashboard", rich_help_panel=CommandGroup.WATCH)(dashboard.dashboard_command)

app.command("pause", rich_help_panel=CommandGroup.CHANGE)(control.pause_command)
app.command("resume", rich_help_panel=CommandGroup.CHANGE)(control.resume_command)
app.command("stop", rich_help_panel=CommandGroup.CHANGE)(control.stop_command)
app.command("cancel", rich_help_panel=CommandGroup.CHANGE)(control.cancel_command)
app.command("extend", rich_help_panel=CommandGroup.CHANGE)(grow.extend_command)
app.add_typer(grow.space, name="space", rich_help_panel=CommandGroup.CHANGE)

app.command("report", rich_help_panel=CommandGroup.REPORT)(report.report_command)
app.command("compare", rich_help_panel=CommandGroup.REPORT)(compare.compare_command)
app.command("sample", rich_help_panel=CommandGroup.REPORT)(sample.sample_command)
app.command("score", rich_help_panel=CommandGroup.REPORT)(score.score_command)
app.add_typer(export.app, name="export", rich_help_panel=CommandGroup.REPORT)

app.command("doctor", rich_help_panel=CommandGroup.MAINTAIN)(doctor.doctor_command)
app.command("gc", rich_help_panel=CommandGroup.MAINTAIN)(garbage.gc_command)
app.add_typer(bench.bench, name="bench", rich_help_panel=CommandGroup.MAINTAIN)

app.add_typer(studies.studies, name="studies", rich_help_panel=CommandGroup.LEARN)
app.command("docs", rich_help_panel=CommandGroup.LEARN)(docs.docs_command)
app.command("schema", rich_help_panel=CommandGroup.LEARN)(schema.schema_command)
app.command("version", rich_help_panel=CommandGroup.LEARN)(schema.version_command)
