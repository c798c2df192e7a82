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
    train,
    trials,
    worker,
)

app = typer.Typer(
    name="sweep",
    help="Hyperparameter sweeps and ablations of denoising diffusion models.\n\n"
    "One YAML file asks a question; the same command launches and resumes; a notebook answers.",
    epilog="First: sweep plan studies/digits.yaml; sweep launch studies/digits.yaml; sweep report digits",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def sweep(
    version: Annotated[
        bool, typer.Option("--version", callback=schema.print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the command as a whole."""


app.command("plan")(plan.plan)
app.command("launch")(launch.launch)
app.command("worker")(worker.worker)
app.command("status")(status.status)
app.add_typer(trials.app, name="trials")
trials.app.command("rerun")(repair.rerun)
trials.app.command("exclude")(repair.exclude)
trials.app.command("repro")(repair.repro)
app.command("pause")(control.pause)
app.command("resume")(control.resume)
app.command("stop")(control.stop)
app.command("cancel")(control.cancel)
app.command("extend")(grow.extend)
app.add_typer(grow.space, name="space")
app.command("train")(train.train)
app.command("doctor")(doctor.doctor)
app.command("gc")(garbage.gc)
app.add_typer(bench.bench, name="bench")
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("dashboard")(dashboard.dashboard)
app.command("export")(export.export)
app.command("docs")(docs.docs)
app.command("schema")(schema.schema)
app.command("version")(schema.version)
