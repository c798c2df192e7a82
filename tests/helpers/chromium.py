"""Which Chromium opens the pages: a system package or a download, the one thing that the lock cannot bring."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

# A path to a browser, tried before all others.
CHOSEN = "SWEEP_TEST_CHROMIUM"
# Any value but an empty one: no browser is a failure.
REQUIRED = "SWEEP_REQUIRE_CHROMIUM"
HOW_TO_GET_ONE = (
    "Get one by `apt-get install chromium` or `.venv/bin/playwright install --with-deps chromium`, "
    f"or name one: {CHOSEN}=/path/to/chrome"
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@cache
def find_chromium() -> str | None:
    """The path of the first browser that starts; None where there is none."""
    chosen = os.environ.get(CHOSEN)
    names = (chosen,) if chosen else _NAMES
    for path in filter(None, map(shutil.which, names)):
        if _starts(path):
            return path
    if chosen:
        return None
    downloaded = _of_playwright()
    return downloaded if Path(downloaded).exists() and _starts(downloaded) else None


def _starts(path: str) -> bool:
    """Whether it is a browser with all of its libraries; Ubuntu's package is a script that asks for a snap."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _of_playwright() -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path
