"""`make docs`: the site of the pages is built without a warning, and its links lead somewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "sweep" / "docs"


def test_the_site_is_built_without_a_warning_and_has_every_page(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "-q",
        "-f",
        str(PAGES / "site" / "mkdocs.yml"),
        "-d",
        str(tmp_path),
    ]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    built = {path.stem for path in tmp_path.glob("*.html")}
    assert {page.stem for page in PAGES.glob("*.md")} <= built
