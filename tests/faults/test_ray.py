"""Workers as tasks of a real Ray cluster of three nodes on this machine, one of which dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sweep.store import open_store, study
from tests.faults.conftest import Calm
from tests.helpers.study_outcome import attempt_ends, check_invariants, outcome
from tests.helpers.tiny_studies import ABLATION, LONG, with_baseline, write
from tests.helpers.worker_processes import gpus_of_workers, training, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

# Loopback instead of this machine's address, also where a client turns one into the other; nothing is reported home.
QUIET = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}
MEMORY = 80 * 1024 * 1024


@contextmanager
def nodes(*each: dict[str, int]) -> Iterator[Any]:
    """A head without CPUs, and these nodes."""
    from ray.cluster_utils import Cluster

    node = {"node_ip_address": "127.0.0.1", "object_store_memory": MEMORY}
    made = Cluster(initialize_head=True, head_node_args=node | {"num_cpus": 0, "include_dashboard": False})
    try:
        made.workers = [made.add_node(**node, **has) for has in each]
        yield made
    finally:
        made.shutdown()


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two nodes with one CPU each."""
    with nodes({"num_cpus": 1}, {"num_cpus": 1}) as made:
        yield made


@pytest.fixture
def gpu_cluster() -> Iterator[Any]:
    """A node with two GPUs: Ray deals out what it is told, whether or not it is there."""
    with nodes({"num_cpus": 2, "num_gpus": 2}) as made:
        yield made


def launch(
    cluster: Any, spec: dict[str, Any], folder: Path, url: str, files: Path, *more: str
) -> subprocess.Popen[str]:
    """`sweep launch --executor ray`, in a session of its own, so that a signal reaches it alone.

    It is typed in a folder with a `sweep.py` of the user's, which no task may import in place of ours.
    """
    (folder / "sweep.py").write_text("raise SystemExit('a sweep.py of the user was imported')")
    return subprocess.Popen(
        [
            Path(sys.executable).with_name("sweep"),
            "launch",
            str(write(spec, folder)),
            "--executor",
            "ray",
            "-o",
            f"address={cluster.address}",
            *more,
        ],
        cwd=folder,
        env=os.environ | {"SWEEP_STORAGE": url, "SWEEP_FILES": str(files)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_dead_ray_node_costs_a_task_that_is_started_on_another(
    cluster: Any, postgres_url: str, files: Path, tmp_path: Path, calm: Calm
) -> None:
    assert resident() < 620e6
    store = open_store(postgres_url, patience_seconds=30)
    launched = launch(cluster, LONG, tmp_path, postgres_url, files, "--device", "cpu")
    try:
        until(lambda: len(attempt_ends(store)) == 2 and training(store, study(store, "tiny-long")))
        cluster.remove_node(cluster.workers[0], allow_graceful=False)
        shown, said = launched.communicate(timeout=300)
    finally:
        launched.kill()
    assert launched.returncode == 0, said
    assert "2 tasks with 0 GPUs and 1 CPUs each" in said
    assert "done; next: sweep report tiny-long" in shown
    check_invariants(store)
    # Ray ends what is its own on the node; the worker that was kept there hears of it, saves and leaves.
    assert {"expired", "released: preempted"} & set(attempt_ends(store))
    assert outcome(store, study(store, "tiny-long").id) == calm(LONG)
    store.close()


def test_each_task_has_a_gpu_of_its_own_and_ctrl_c_saves_what_they_do(
    gpu_cluster: Any, postgres_url: str, files: Path, tmp_path: Path
) -> None:
    store = open_store(postgres_url, patience_seconds=30)
    endless = with_baseline(LONG, images=16_000_000) | {"name": "tiny-endless"}
    launched = launch(gpu_cluster, endless, tmp_path, postgres_url, files, "--device", "cpu", "-o", "gpus=1")
    try:
        until(lambda: len(attempt_ends(store)) == 2 and training(store, study(store, "tiny-endless")))
        given = gpus_of_workers("tiny-endless")
        launched.send_signal(signal.SIGINT)
        _, said = launched.communicate(timeout=120)
    finally:
        launched.kill()
    assert "2 tasks with 1 GPUs and 1 CPUs each" in said
    assert given == ["0", "1"]
    assert launched.returncode == 130, said
    assert attempt_ends(store) == ["released: preempted"] * 2
    store.close()


def test_a_task_whose_worker_breaks_down_says_why(
    gpu_cluster: Any, postgres_url: str, files: Path, tmp_path: Path
) -> None:
    """Ray reserves GPUs that the driver of the node does not have."""
    launched = launch(gpu_cluster, ABLATION, tmp_path, postgres_url, files)
    _, said = launched.communicate(timeout=120)
    assert launched.returncode == 1, said
    assert "error: this machine has no CUDA GPU" in said
    assert "next: Use --device cpu." in said


def resident() -> float:
    """Memory of all of Ray's own processes in bytes, what they share not counted."""
    total = 0
    for smaps in Path("/proc").glob("[0-9]*/smaps_rollup"):
        try:
            command = (smaps.parent / "cmdline").read_bytes()
            if b"ray::" in command or b"site-packages/ray/" in command:
                fields = dict(line.split(":", 1) for line in smaps.read_text().splitlines()[1:])
                total += sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty")) * 1024
        except OSError:
            continue
    return total
