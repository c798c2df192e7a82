"""What a launch shows while it prepares: in a log, and when it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from sweep.api.progress import NOTHING_YET, READING_IMAGES, LaunchProgress
from sweep.cli.launch_display import LaunchDisplay
from tests.helpers.image_folders import digits_folder


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def counted(part: str, done: int, total: int, unit: str = "images") -> LaunchProgress:
    return LaunchProgress(part, done, total, unit, is_preparation=True)


def worked(part: str, done: int, total: int, unit: str) -> LaunchProgress:
    return LaunchProgress(part, done, total, unit, is_preparation=False)


@pytest.fixture
def shown() -> tuple[LaunchDisplay, Clock, list[str]]:
    clock, lines = Clock(), []
    return LaunchDisplay(Progress(console=Console(quiet=True), disable=True), lines.append, clock), clock, lines


def test_a_log_has_a_line_every_30_seconds_with_share_and_time_left(
    shown: tuple[LaunchDisplay, Clock, list[str]],
) -> None:
    progress, clock, lines = shown
    for second in range(1, 301):
        clock.now += 1
        progress.update(counted("training the classifier", 100 * second, 40_000))
    assert len(lines) == 10
    assert lines[0] == "training the classifier (40,000 images)"
    assert lines[1] == "training the classifier: 8% of 40,000 images, about 5 min 57 s left"
    assert lines[-1] == "training the classifier: 68% of 40,000 images, about 2 min 09 s left"


def test_a_log_has_a_line_every_30_seconds_when_nothing_is_heard(
    shown: tuple[LaunchDisplay, Clock, list[str]],
) -> None:
    progress, clock, lines = shown
    for _ in range(90):
        clock.now += 1
        progress.update(NOTHING_YET)
    assert lines == ["preparing: 30 s so far", "preparing: 1 min 00 s so far", "preparing: 1 min 30 s so far"]
    progress.update(counted("downloading mnist", 0, 1000, "bytes"))
    progress.update(counted("downloading mnist", 1000, 1000, "bytes"))
    clock.now += 40
    progress.update(counted("downloading mnist", 1000, 1000, "bytes"))
    assert lines[-1] == "downloading mnist: 1,000 of 1,000 bytes, 40 s so far"


# A log said nothing between the start and the end of a training.
def test_a_log_has_a_line_every_30_seconds_while_workers_run(
    shown: tuple[LaunchDisplay, Clock, list[str]],
) -> None:
    progress, clock, lines = shown
    for second in range(1, 301):
        clock.now += 1
        # 2,000 steps were made before this launch.
        progress.update(worked("training steps", min(10_000, 2_000 + 50 * second), 10_000, "steps"))
        progress.update(worked("scores", max(0, second - 160) // 30, 9, "scores"))
    assert len(lines) == 10
    assert lines[0] == "training steps: 35% of 10,000 steps, about 2 min 10 s left"
    assert lines[4] == "training steps: 95% of 10,000 steps, about 10 s left"
    assert lines[6] == "scores: 11% of 9 scores, about 27 min 52 s left"


def test_what_is_kept_is_every_part_but_the_one_under_way(shown: tuple[LaunchDisplay, Clock, list[str]]) -> None:
    progress, _, _ = shown
    assert progress.stored_parts == ()
    for what in (READING_IMAGES, "training the classifier", "features of the real images"):
        progress.update(counted(what, 5, 5))
    assert progress.stored_parts == ("training the classifier",)


STUDY = """
name: stopped
question: Does it stop?
baseline: {data: digits, net: {preset: unet_8, channels: 16}, T: 50, images: 320, batch: 32, ema_decay: 0}
seeds: 1
protocol: {extractor: classifier, n: 64, noise_sets: 1}
"""


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
def test_a_stopped_preparation_says_what_was_kept_and_what_to_type(
    tmp_path: Path, kind: signal.Signals, code: int
) -> None:
    images = digits_folder(tmp_path / "images", 1000)  # no classifier is shipped for these
    (tmp_path / "a study.yaml").write_text(
        STUDY.replace("data: digits", f"data: {{name: image_folder, path: '{images}', size: 8}}")
    )
    arguments = ["launch", "a study.yaml", "--workers", "1", "--device", "cpu"]
    launch = subprocess.Popen(
        [sys.executable, "-m", "sweep", *arguments],
        cwd=tmp_path,
        env=os.environ | {"SWEEP_STORAGE": f"sqlite:///{tmp_path}/s.db", "SWEEP_FILES": f"{tmp_path}/files"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert launch.stderr is not None
    while not launch.stderr.readline().startswith("training the classifier"):
        assert launch.poll() is None
    os.killpg(launch.pid, kind)  # a terminal signals every process of the command
    output, errors = launch.communicate(timeout=60)
    assert launch.returncode == code
    assert "stopped while preparing" in errors
    assert "kept: nothing" in errors
    assert "next: sweep launch 'a study.yaml' --workers 1 --device cpu" in errors
    assert "Traceback" not in errors + output
    assert not (tmp_path / "s.db").exists()
    assert not [path for path in tmp_path.rglob("*") if path.suffix in {".tmp", ".pt"}]


@pytest.mark.slow
def test_a_launch_that_is_stopped_while_its_process_starts_says_so_too(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY)
    launch = subprocess.Popen(
        [sys.executable, "-m", "sweep", "launch", "study.yaml", "--workers", "1", "--device", "cpu"],
        cwd=tmp_path,
        env=os.environ | {"SWEEP_STORAGE": f"sqlite:///{tmp_path}/s.db", "SWEEP_FILES": f"{tmp_path}/files"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while (
        len(_processes_of(launch.pid)) < 3 and time.monotonic() < deadline
    ):  # the command, Python's tracker, the child
        time.sleep(0.001)
    os.killpg(launch.pid, signal.SIGINT)
    _, errors = launch.communicate(timeout=60)
    assert launch.returncode == 130
    assert "stopped while preparing" in errors
    assert "Traceback" not in errors


def _processes_of(session: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(path.name)) == session:
                found.append(int(path.name))
        except ProcessLookupError:
            continue
    return found
