"""The shipped study with a net of a plugin: killed and resumed, its file edited, moved, and tampered with."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "studies/plugins"

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


class Machine:
    """A machine of its own: another working folder, and another copy of the files behind one address."""

    def __init__(self, shared: Path, name: str) -> None:
        self.folder = shared / name
        self.folder.mkdir()
        self.database = shared / "sweep.db"
        self.environment = os.environ | {
            "SWEEP_STORAGE": f"sqlite:///{self.database}",
            "SWEEP_FILES": f"file://{shared}/bucket",
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_DATA_HOME": str(self.folder / "data"),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "sweep", *arguments]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def sweep(self, *arguments: str, code: int = 0) -> str:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=240)
        assert process.returncode == code, output
        return output

    def one(self, query: str) -> int:
        with closing(sqlite3.connect(self.database)) as connection:
            return int(connection.execute(query).fetchone()[0])


def wait_for(machine: Machine, query: str, at_least: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if machine.database.exists():
            try:
                if machine.one(query) >= at_least:
                    return
            except sqlite3.OperationalError:  # the tables are on their way
                pass
        time.sleep(0.2)
    raise AssertionError(f"{query} did not reach {at_least}")


def test_a_study_with_a_net_of_its_own_is_a_study_like_any_other(tmp_path):
    home, other = Machine(tmp_path, "home"), Machine(tmp_path, "other")
    for name in ("own-net.yaml", "tiny_conv.py"):
        shutil.copy(EXAMPLE / name, home.folder)
    plugin = home.folder / "tiny_conv.py"
    plugin.write_text(plugin.read_text().replace("import torch\n", "import torch\nprint('it ran')\n", 1))
    launch = ("launch", "own-net.yaml", "--device", "cpu", "-n", "1")

    refused = home.sweep(*launch, code=2)
    assert "not trusted" in refused
    assert "it ran" not in refused
    assert not home.database.exists()

    # Killed in the middle of the work; a worker on another machine, without the file, does the rest.
    killed = home.start(*launch, "--trust")
    wait_for(home, "SELECT count(*) FROM run WHERE state = 'trained'", 1)
    os.killpg(killed.pid, signal.SIGTERM)
    killed.communicate(timeout=60)
    assert home.one("SELECT count(*) FROM run WHERE state = 'trained'") < 9
    worker = ("worker", "--study", "own-net", "--device", "cpu")
    assert "not trusted" in other.sweep(*worker, code=2)
    assert "it ran" in other.sweep(*worker, "--trust")
    assert not (other.folder / "tiny_conv.py").exists()
    assert home.one("SELECT count(*) FROM run WHERE state = 'trained'") == 9
    assert home.one("SELECT count(DISTINCT worker_id) FROM attempt") == 2

    # A comment makes no new run; the same command resumes, and finds all done.
    plugin.write_text(plugin.read_text() + "\n# A comment.\n")
    assert "own-net (complete)" in home.sweep(*launch)
    assert home.one("SELECT count(*) FROM run") == 9

    # The report lists the plugin; a run is repeated after the file is gone, on a machine that never had it.
    source = next((tmp_path / "bucket/plugins").iterdir()).stem
    home.sweep("report", "own-net")
    assert f"net tiny_conv, source sha256 {source}" in (home.folder / "reports/own-net/report.html").read_text()
    run = home.one("SELECT run_id FROM cell JOIN arm ON arm.id = arm_id WHERE is_baseline")
    other.sweep("trials", "repro", "own-net", str(run))
    assert "it ran" in other.sweep("train", f"run-{run}.json", "--out", "again", "--device", "cpu")

    # One line of the net makes other runs of the two arms that use it, and keeps those of the perceptron.
    plugin.write_text(plugin.read_text().replace("F.silu(h)", "F.relu(h)"))
    assert "another content" in home.sweep(*launch, "--trust", code=5)
    home.sweep(*launch, "--accept-change", "--trust")
    assert home.one("SELECT count(*) FROM run") == 9 + 6

    # Another version under the hash of a run is refused by whoever would run it.
    archive = tmp_path / "bucket/plugins" / f"{source}.json"
    archive.write_text(archive.read_text().replace("F.silu(h)", "F.gelu(h)"))
    third = Machine(tmp_path, "third")
    shutil.copy(other.folder / f"run-{run}.json", third.folder)
    assert "is another version" in third.sweep(
        "train", f"run-{run}.json", "--out", "again", "--device", "cpu", "--trust", code=2
    )


MINE = """import numpy as np
import torch
from torch import nn

from sweep.plugins import dataset, net, schedule

print("it ran")


@dataset("blobs")
def blobs(*, count: int = 400, size: int = 8):
    draws, classes = np.random.default_rng(0), np.arange(count) % 4
    y, x = np.mgrid[:size, :size]
    at = np.array([[2, 2], [2, 5], [5, 2], [5, 5]])[classes] + draws.normal(0, 0.5, (count, 2))
    bumps = np.exp(-((y - at[:, :1, None]) ** 2 + (x - at[:, 1:, None]) ** 2) / 3)
    return np.rint(255 * bumps).astype(np.uint8)[:, None], classes


@schedule("quartic")
def quartic(T: int, *, last: float = 0.05):
    return 1e-4 + last * np.linspace(0, 1, T) ** 4


@net("shallow")
class Shallow(nn.Module):
    def __init__(self, image_channels: int, image_size: int, out_channels: int, *, width: int = 8):
        super().__init__()
        self.level = nn.Embedding(1000, width)
        self.first = nn.Conv2d(image_channels, width, 3, padding=1)
        self.last = nn.Conv2d(width, out_channels, 3, padding=1)

    def forward(self, x: torch.Tensor, i: torch.Tensor):
        h = self.first(x) + self.level(i)[:, :, None, None]
        return self.last(torch.tanh(h))
"""
MINE_STUDY = """name: mine
question: Does a wider net of our own draw better blobs, and is its schedule better than the linear one?
plugins: [mine.py]
baseline: {data: blobs, net: shallow, schedule: quartic, T: 100, images: 6k, batch: 16, sampling_steps: 5}
factors:
  net: {role: scientific, levels: [mlp_small]}
  net.width: {role: scientific, levels: [16]}
  schedule: {role: scientific, levels: [linear]}
seeds: 2
protocol: {extractor: classifier, n: 64, noise_sets: 1}
cadence: {checkpoint_seconds: 1}
"""


def test_a_net_a_schedule_and_a_data_set_that_nobody_has_seen_are_swept_by_two_workers(tmp_path):
    assert len(MINE.splitlines()) <= 40
    home, other = Machine(tmp_path, "home"), Machine(tmp_path, "other")
    plugin = home.folder / "mine.py"
    plugin.write_text(MINE)
    (home.folder / "mine.yaml").write_text(MINE_STUDY)
    planned = home.sweep("plan", "mine.yaml", "--no-measure", code=2)
    assert "not trusted" in planned
    assert "it ran" not in planned

    # Two workers in folders of their own, of which one never had the file; one is killed, and its work is resumed.
    launch = ("launch", "mine.yaml", "--device", "cpu", "-n", "1", "--trust")
    killed = home.start(*launch)
    wait_for(home, "SELECT count(*) FROM attempt", 1)
    second = other.start("worker", "--study", "mine", "--device", "cpu", "--trust")
    wait_for(home, "SELECT count(DISTINCT worker_id) FROM attempt", 2)
    os.killpg(killed.pid, signal.SIGTERM)
    killed.communicate(timeout=60)
    output, _ = second.communicate(timeout=600)
    assert second.returncode == 0, output
    assert "it ran" in output
    assert not (other.folder / "mine.py").exists()
    assert "mine (complete)" in home.sweep(*launch)
    assert home.one("SELECT count(*) FROM run WHERE state = 'trained'") == 4 * 2

    # A comment makes no new run; a line of the net makes those of all arms, whose data set is in the same file.
    plugin.write_text(MINE.replace("h = self.first(x)", "# A comment.\n        h = self.first(x)"))
    home.sweep(*launch)
    assert home.one("SELECT count(*) FROM run") == 8
    plugin.write_text(MINE.replace("torch.tanh(h)", "torch.relu(h)"))
    assert "another content" in home.sweep(*launch, code=5)
    home.sweep(*launch, "--accept-change")
    assert home.one("SELECT count(*) FROM run") == 16

    # A worker refuses another version than that of the runs.
    for archive in (tmp_path / "bucket/plugins").iterdir():
        archive.write_text(archive.read_text().replace("self.last(", "2 * self.last("))
    run = home.one("SELECT max(run_id) FROM cell")
    third = Machine(tmp_path, "third")
    third.sweep("trials", "repro", "mine", str(run))
    refused = third.sweep("train", f"run-{run}.json", "--out", "again", "--device", "cpu", "--trust", code=2)
    assert "is another version" in refused
