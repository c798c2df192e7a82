"""The examples of the page on the Python API run as they are written there, and its tables name the columns."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import sweep
from sweep.docs import page
from tests.reporting.conftest import Store, store  # noqa: F401 - a fixture

PAGE = page("python-api")
SCRIPT = """\
from pathlib import Path


def run():
    exec(compile(Path("examples.py").read_text(), "examples.py", "exec"), {"__name__": "examples"})


if __name__ == "__main__":
    run()
"""


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_its_examples_run(tmp_path: Path) -> None:
    (study_file,) = re.findall(r"(?s)```yaml\n(.*?)```", PAGE)
    examples = re.findall(r"(?s)```python\n(.*?)```", PAGE)
    (tmp_path / "study.yaml").write_text(study_file)
    (tmp_path / "examples.py").write_text("import matplotlib\nmatplotlib.use('agg')\n" + "\n".join(examples))
    (tmp_path / "script.py").write_text(SCRIPT)
    ran = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=380, check=False
    )
    assert ran.returncode == 0, ran.stderr
    printed = re.findall(r"(?s)```text\n(.*?)```", PAGE)
    assert len(printed) >= 5
    for block in printed:
        pattern = re.escape(block).replace(re.escape("..."), ".+")
        assert re.search(rf"(?m)^{pattern}", ran.stdout), f"{block} is not in {ran.stdout}"
    assert "no study named 'frist' in this store; did you mean 'first'?" in ran.stdout
    assert (tmp_path / "first.png").is_file()
    assert (tmp_path / "reports" / "first" / "report.html").is_file()


@pytest.mark.parametrize("name", ["cells", "scores", "curves", "attempts"])
def test_its_tables_name_every_column(store: Store, name: str) -> None:  # noqa: F811 - a fixture
    section = PAGE.split(f"\n### {name}\n", 1)[1].split("\n### ", 1)[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    documented = [column for cell in cells for column in re.findall(r"`(\w+)`", cell)]
    assert sorted(documented) == sorted(getattr(sweep.frames("digits", storage=store.url), name).columns)


def test_its_tables_name_every_function_and_error() -> None:
    functions = {f"control.{name}" for name in sweep.control.__all__ if name.islower()}
    functions |= {"compare", "extend", "frames", "launch", "load_study", "plan", "report", "sample", "score", "status"}
    assert functions == set(re.findall(r"(?m)^\| `([\w.]+)\(", PAGE))
    errors = {name for name in sweep.__all__ if name.endswith("Error") or name == "InfeasibleConfig"} - {"SweepError"}
    assert errors == set(re.findall(r"(?m)^\| `sweep\.(\w+)` \|", PAGE))
