"""Where workers are placed."""

from __future__ import annotations

import os

import pytest

from sweep.errors import UsageError
from sweep.executors.devices import cores, memory_of_machine
from sweep.executors.local import slots
from tests.helpers.cuda import FakeDriver, install


def test_the_cpu_gets_a_worker_a_core_but_no_more_than_there_is_work() -> None:
    assert [(slot.device, slot.threads) for slot in slots("cpu", None, work=1)] == [("cpu", cores())]
    assert len(slots("cpu", None, work=1000)) == cores()
    assert sum(slot.threads for slot in slots("cpu", 2, work=1000)) <= max(cores(), 2)
    assert len(slots("cpu", 5, work=1)) == 5


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


def test_pack_counts_the_workers_of_each_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    install(monkeypatch, FakeDriver(("GPU", "GPU")))
    packed = slots("cuda", None, work=99, pack=3)
    assert [slot.device for slot in packed] == ["cuda:0", "cuda:1"] * 3
    assert len(slots("cuda", None, work=2, pack=3)) == 2
    # One a device begins, where there is work for it.
    assert [slot.device for slot in slots("cuda", None, work=99, pack="auto")] == ["cuda:0", "cuda:1"]
    assert [slot.device for slot in slots("cuda", None, work=1, pack="auto")] == ["cuda:0"]
    install(monkeypatch, FakeDriver(()))
    assert len(slots("auto", None, work=99, pack=3)) == 3


def test_the_threads_of_a_worker_do_not_change_with_those_that_come_later() -> None:
    whole = slots("cpu", None, work=1000)
    assert slots("cpu", None, work=1000, pack="auto") == whole[:1]
    assert slots("cpu", None, work=1, pack="auto") == slots("cpu", None, work=1)
    assert [slot.threads for slot in slots("cpu", None, work=9, pack=1)] == [cores()]


def test_the_memory_of_this_machine_is_known() -> None:
    memory = memory_of_machine()
    assert memory is not None
    assert 0 < memory.free < memory.total


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UsageError, match="tpu"):
        slots("tpu", None, work=1)
