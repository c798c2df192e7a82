"""`sweep doctor`: is everything well?"""

from __future__ import annotations

from typing import Annotated

import typer

from sweep import api
from sweep.api.locations import DEFAULT_FILES, DEFAULT_STORAGE
from sweep.cli.options import Files, Json, Storage
from sweep.cli.terminal import print_json, print_table
from sweep.errors import ExitCode


def doctor_command(
    storage: Storage = DEFAULT_STORAGE,
    files: Files = DEFAULT_FILES,
    reap: Annotated[bool, typer.Option("--reap", help="Release the work of dead workers of this machine.")] = False,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Bring the tables of an older version up to date.")
    ] = False,
    device: Annotated[
        str | None, typer.Option("--device", help="Also try a device for a minute: auto, cpu, cuda or cuda:0.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check database, disk, device, versions and leases.

    Each problem is printed with the way to repair it. Changes nothing without --reap or --migrate.

    --reap is needed only where no worker runs: a running worker takes over the work of dead ones by itself.

    \b
    Examples: sweep doctor
              sweep doctor --reap
              sweep doctor --migrate
              sweep doctor --device cuda
    """
    diagnosis = api.doctor.examine(storage=storage, files=files, reap=reap, migrate=migrate, device=device)
    findings = diagnosis.findings
    if as_json:
        print_json(
            [
                {"what": finding.what, "well": not finding.repair, "found": finding.state, "next": finding.repair}
                for finding in findings
            ]
        )
    else:
        print_table(
            "",
            ["what", "found", "next"],
            [(finding.what, finding.state, finding.repair or "-") for finding in findings],
        )
    if diagnosis.store_error is not None:
        raise typer.Exit(diagnosis.store_error.exit_code)
    raise typer.Exit(ExitCode.OK if diagnosis.is_well else ExitCode.FAILED)
