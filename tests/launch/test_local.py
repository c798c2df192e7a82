"""Where workers are placed."""

from __future__ import annotations

import os

import pytest

from sweep.errors import UsageError
from sweep.launch.local import cores, gpus, slots


def test_the_cpu_gets_a_worker_a_core_but_no_more_than_there_is_work() -> None:
    assert [(slot.device, slot.threads) for slot in slots("cpu", None, work=1)] == [("cpu", cores())]
    assert len(slots("cpu", None, work=1000)) == cores()
    assert sum(slot.threads for slot in slots("cpu", 2, work=1000)) <= max(cores(), 2)
    assert len(slots("cpu", 5, work=1)) == 5


def test_visible_devices_are_never_widened(monkeypatch: pytest.MonkeyPatch) -> None:
    # mala#324, ptyrad#22: every worker on the same GPU, or on one that was hidden.
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert gpus() == ["cuda:0", "cuda:1"]
    assert [slot.device for slot in slots("cuda", 4, work=9)] == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]
    assert [slot.device for slot in slots("cuda:1", 2, work=9)] == ["cuda:1", "cuda:1"]
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert gpus() == []
        with pytest.raises(UsageError, match="no CUDA GPU"):
            slots("cuda", None, work=1)
        assert slots("auto", None, work=1)[0].device == "cpu"


def test_cores_are_those_that_the_scheduler_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    before = os.sched_getaffinity(0)
    assert cores() <= len(before)
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert cores() == 1
    assert [slot.threads for slot in slots("cpu", None, work=5)] == [1]
    # Never more than the cores that the process is bound to.
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "4096")
    os.sched_setaffinity(0, {min(before)})
    try:
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, before)
    for nonsense in ("", "0", "many"):
        monkeypatch.setenv("SLURM_CPUS_PER_TASK", nonsense)
        assert 1 <= cores() <= len(before)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UsageError, match="tpu"):
        slots("tpu", None, work=1)
