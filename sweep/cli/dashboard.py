"""`sweep dashboard`: Optuna's dashboard on a copy of the store."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from sweep import api
from sweep.api.locations import DEFAULT_FILES, DEFAULT_STORAGE
from sweep.cli.options import Files, Storage
from sweep.cli.terminal import echo
from sweep.quantities import quantity

logger = logging.getLogger(__name__)


def dashboard_command(
    studies: Annotated[list[str] | None, typer.Argument(help="Studies to show; all by default.")] = None,
    storage: Storage = DEFAULT_STORAGE,
    files: Files = DEFAULT_FILES,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any free one.")] = 8080,
) -> None:
    """Open Optuna's dashboard in a browser.

    Every cell is shown as a trial with its sample grid, in any design and not only in searches.

    The dashboard shows a copy of the database as it is now: nothing done there changes the study, and newer results
    appear when the command is started again. Only this machine can reach it. Ctrl-C ends it.

    \b
    Examples: sweep dashboard digits
              sweep dashboard --port 0
    """
    logger.info("copying the studies for the dashboard")
    with api.dashboard.open_dashboard(studies or (), storage=storage, files=files, port=port) as shown:
        echo(shown.url)
        sys.stdout.flush()  # a pipe would get the address only when the command ends
        logger.info(
            f"a copy of {quantity(shown.study_count, 'study', 'studies')}; changes made there stay there. "
            "Ctrl-C ends it."
        )
        try:
            shown.server.serve_forever()
        except KeyboardInterrupt:
            logger.info("ended")
