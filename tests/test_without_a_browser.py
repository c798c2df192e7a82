"""The tests on a machine that has Python and the lock alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run_pytest(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Pytest where no browser is installed: none on the PATH, and none that Playwright downloaded."""
    nowhere = dict.fromkeys(("PATH", "HOME", "PLAYWRIGHT_BROWSERS_PATH"), str(tmp_path))
    bare = nowhere | {"SWEEP_TEST_CHROMIUM": "", "SWEEP_REQUIRE_CHROMIUM": ""}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", "-m", "not faults and not slow", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | bare | environment,
        timeout=110,
    )


@pytest.mark.slow
def test_browser_tests_are_left_out_where_there_is_no_browser_with_a_line_that_says_how_to_get_one(
    tmp_path: Path,
) -> None:
    broken = tmp_path / "chromium-browser"  # as Ubuntu's, which starts nothing where there are no snaps
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    run = run_pytest(tmp_path, "tests/browser", "tests/test_readme.py")
    assert run.returncode == 0, run.stdout
    assert "tests/browser" not in run.stdout
    (line,) = [line for line in run.stdout.splitlines() if "no Chromium starts here" in line]
    assert "apt-get install chromium" in line


def test_the_absence_of_a_browser_is_a_failure_where_one_is_required(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, "tests/test_readme.py", SWEEP_REQUIRE_CHROMIUM="yes")
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "SWEEP_REQUIRE_CHROMIUM is set and no Chromium starts here" in run.stderr
