"""A user's modules, named as ours, Python's or our libraries', lie in the folder where the command is typed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.tiny_studies import ABLATION, with_baseline, write

NAMES = (*sys.stdlib_module_names, "sweep", "torch", "numpy", "PIL", "pandas", "matplotlib", "IPython", "ipykernel")
# Each notes that it was imported, and does not become what was wanted.
OWN = "open({mark!r}, 'a').write(__name__ + ' ')\nraise SystemExit(0)\n"


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """A folder that holds such modules, and `imported`, which is written when one of them is imported."""
    folder = tmp_path / "own"
    for name in NAMES:
        (folder / name).mkdir(parents=True)
        for file in (folder / f"{name}.py", folder / name / "__init__.py"):
            file.write_text(OWN.format(mark=str(folder / "imported")))
    return folder


@pytest.mark.slow
def test_nothing_that_a_command_starts_imports_from_the_folder_where_it_is_typed(
    own_folder: Path, files: Path, sqlite_url: str
) -> None:
    environment = os.environ | {"SWEEP_STORAGE": sqlite_url, "SWEEP_FILES": str(files)}
    study = write(with_baseline(ABLATION, images=160) | {"factors": {}, "seeds": 1}, own_folder)

    def sweep(*arguments: str) -> str:
        command = [str(Path(sys.executable).with_name("sweep")), *arguments]
        done = subprocess.run(command, cwd=own_folder, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert not (own_folder / "imported").exists(), (own_folder / "imported").read_text()
        return done.stdout

    assert "done; next: sweep report tiny" in sweep("launch", str(study), "--device", "cpu", "--workers", "1")
    sweep("report", "tiny")
    sweep("bench", "store", "--workers", "1", "--seconds", "0.5")
    (own_folder / "sweep.py").unlink()
    (own_folder / "sweep" / "__init__.py").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "sweep", "status", "tiny"],
        cwd=own_folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
