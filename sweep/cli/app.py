"""All verbs of the command in one list."""

from __future__ import annotations

from typing import Annotated

import typer

from sweep.cli import (
    bench,
    compare,
    control,
    dashboard,
    docs,
    doctor,
    export,
    garbage,
    grow,
    launch,
    plan,
    repair,
    report,
    schema,
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
    add_completion=False,
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


app.command("plan", rich_help_panel=CommandGroup.RUN)(plan.plan)
app.command("launch", rich_help_panel=CommandGroup.RUN)(launch.launch)
app.command("worker", rich_help_panel=CommandGroup.RUN)(worker.worker)
app.command("train", rich_help_panel=CommandGroup.RUN)(train.train)

app.command("status", rich_help_panel=CommandGroup.WATCH)(status.status)
app.add_typer(trials.app, name="trials", rich_help_panel=CommandGroup.WATCH)
trials.app.command("rerun")(repair.rerun)
trials.app.command("exclude")(repair.exclude)
trials.app.command("repro")(repair.repro)
app.command("dashboard", rich_help_panel=CommandGroup.WATCH)(dashboard.dashboard)

app.command("pause", rich_help_panel=CommandGroup.CHANGE)(control.pause)
app.command("resume", rich_help_panel=CommandGroup.CHANGE)(control.resume)
app.command("stop", rich_help_panel=CommandGroup.CHANGE)(control.stop)
app.command("cancel", rich_help_panel=CommandGroup.CHANGE)(control.cancel)
app.command("extend", rich_help_panel=CommandGroup.CHANGE)(grow.extend)
app.add_typer(grow.space, name="space", rich_help_panel=CommandGroup.CHANGE)

app.command("report", rich_help_panel=CommandGroup.REPORT)(report.report)
app.command("compare", rich_help_panel=CommandGroup.REPORT)(compare.compare)
app.command("export", rich_help_panel=CommandGroup.REPORT)(export.export)

app.command("doctor", rich_help_panel=CommandGroup.MAINTAIN)(doctor.doctor)
app.command("gc", rich_help_panel=CommandGroup.MAINTAIN)(garbage.gc)
app.add_typer(bench.bench, name="bench", rich_help_panel=CommandGroup.MAINTAIN)

app.add_typer(studies.studies, name="studies", rich_help_panel=CommandGroup.LEARN)
app.command("docs", rich_help_panel=CommandGroup.LEARN)(docs.docs)
app.command("schema", rich_help_panel=CommandGroup.LEARN)(schema.schema)
app.command("version", rich_help_panel=CommandGroup.LEARN)(schema.version)
