"""Workers as tasks of a real Ray cluster of three nodes on this machine, one of which dies."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sweep.store import open_store, study
from tests.faults.conftest import Calm
from tests.faults.processes import training, until
from tests.faults.state import attempt_ends, check_invariants, outcome
from tests.faults.tiny import LONG, write

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

# Loopback instead of this machine's address, also where a client turns one into the other; nothing is reported home.
QUIET = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}
MEMORY = 80 * 1024 * 1024


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head without CPUs, and two nodes with one each."""
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    from ray.cluster_utils import Cluster

    node = {"node_ip_address": "127.0.0.1", "object_store_memory": MEMORY}
    made = Cluster(initialize_head=True, head_node_args=node | {"num_cpus": 0, "include_dashboard": False})
    try:
        made.workers = [made.add_node(**node, num_cpus=1) for _ in range(2)]
        yield made
    finally:
        made.shutdown()


def test_row_26_a_dead_ray_node_costs_a_task_that_is_started_on_another(
    cluster: Any, postgres_url: str, files: Path, tmp_path: Path, calm: Calm
) -> None:
    assert resident() < 620e6
    store = open_store(postgres_url, patience_seconds=30)
    launched = subprocess.Popen(
        [sys.executable, "-m", "sweep", "launch", str(write(LONG, tmp_path)), "--executor", "ray", "--device", "cpu",
         "-o", f"address={cluster.address}"],
        env=os.environ | {"SWEEP_STORAGE": postgres_url, "SWEEP_FILES": str(files)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
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
    assert "expired" in attempt_ends(store)
    assert outcome(store, study(store, "tiny-long").id) == calm(LONG)
    store.close()


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
