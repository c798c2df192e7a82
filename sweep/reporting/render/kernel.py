"""The kernel that runs a report: this interpreter, without any configuration of the user who asks for the report.

A report from the same store is the same bytes for everybody. Configuration files of matplotlib, IPython and Jupyter,
start-up files, the locale, and modules that lie in the folder of the report would change it or end it. So the kernel
stands in an empty folder of its own, with an environment without them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode
from platformdirs import user_cache_path

from sweep.reporting.frames.study_ref import REPORT_VARIABLE

CELL_SECONDS = 600

# Settings of libraries that a report is made with, by how their names begin, and those that say where Python's own
# files are: without these the interpreter might not find what it runs.
SETTINGS = ("IPYTHON", "JUPYTER", "LANG", "LC_", "MATPLOTLIB", "MPL", "NPY_", "NUMPY_", "PANDAS_", "PYTHON")
PYTHON_LOCATIONS = frozenset(
    {"PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "PYTHONHOME", "PYTHONNOUSERSITE", "PYTHONPATH", "PYTHONUSERBASE"}
)
ARGUMENTS = (
    "--log-level=ERROR",  # it warns of TCP to itself
    "--InteractiveShellApp.ignore_cwd=True",
    "--InteractiveShellApp.exec_PYTHONSTARTUP=False",
    # It tells how long it takes to list the fonts, which would be part of the page.
    "--InteractiveShellApp.exec_lines=import logging; logging.getLogger('matplotlib').setLevel(logging.ERROR)",
)


def execute(
    notebook: NotebookNode,
    folder: Path,
    *,
    environment: Mapping[str, str],
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Run all cells of a report.

    Args:
        notebook: The outputs are written into its cells.
        folder: Where its cells write their files.
        environment: Variables for the kernel beside those of this process.
        on_progress: Called with (cells done, cells in all).

    Raises:
        CellExecutionError: A cell failed; its traceback is in the notebook.
        RuntimeError: The kernel did not start, ended, or took more than `CELL_SECONDS` for a cell.
    """
    total = sum(cell.cell_type == "code" for cell in notebook.cells)
    done = 0

    def on_cell(**_: object) -> None:
        nonlocal done
        done += 1
        if on_progress is not None:
            on_progress(done, total)

    with tempfile.TemporaryDirectory(prefix="sweep-report-") as kernel_folder:
        # A kernel of the user's that is called python3 must not win over this interpreter.
        specs = KernelSpecManager(kernel_dirs=[])
        manager = AsyncKernelManager(
            kernel_spec_manager=specs, connection_file=str(Path(kernel_folder, "connection.json"))
        )
        client = NotebookClient(
            notebook,
            km=manager,
            timeout=CELL_SECONDS,
            record_timing=False,
            on_cell_executed=on_cell,
            extra_arguments=list(ARGUMENTS),
        )
        variables = {
            **kernel_environment(os.environ, Path(kernel_folder)),
            **environment,
            REPORT_VARIABLE: str(folder.resolve()),
        }
        client.execute(cleanup_kc=True, env=variables, cwd=kernel_folder)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}


def kernel_environment(environment: Mapping[str, str], kernel_folder: Path) -> dict[str, str]:
    """The environment of the kernel: `environment` without settings of the libraries that it uses.

    Args:
        environment: The environment of this process.
        kernel_folder: A folder of the kernel's own, for whatever it would write to the user's home.
    """
    variables = {
        name: value for name, value in environment.items() if name in PYTHON_LOCATIONS or not name.startswith(SETTINGS)
    }
    return variables | {
        "IPYTHONDIR": str(kernel_folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(kernel_folder / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(kernel_folder),
        "LC_ALL": "C",
        "MATPLOTLIBRC": os.devnull,  # found before any of the user's, and empty
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(_font_cache(kernel_folder)),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONSAFEPATH": "1",
        "PYTHONUTF8": "1",
        "TZ": "UTC",
    }


def _font_cache(kernel_folder: Path) -> Path:
    """Where matplotlib keeps its list of fonts, which takes seconds to make: for good, if anything can be kept."""
    folder = user_cache_path("ddpm-sweep") / "matplotlib"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return kernel_folder
    return folder if os.access(folder, os.W_OK) else kernel_folder
