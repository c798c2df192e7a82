"""GPUs are those that the driver counts, because torch counts so; nothing is guessed from text or variables."""

from __future__ import annotations

import pytest

from sweep.errors import UsageError
from sweep.executors.cuda_driver import cuda_driver
from sweep.executors.devices import gpu, gpus
from sweep.executors.local import slots
from sweep.executors.packing import DeviceMemory
from tests.helpers.cuda import FakeDriver, install, install_nvml, uuid_of

H100 = "NVIDIA H100 80GB HBM3"
SLICE = "NVIDIA H100 80GB HBM3 MIG 1g.10gb"


def test_visible_gpus_are_those_of_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    # mala#324, ptyrad#22: every worker on the same GPU, or on one that was hidden.
    install(monkeypatch, FakeDriver((H100, H100)))
    # As the driver reads this, one GPU is visible: what comes after -1 is hidden. It is not read here at all.
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,-1,1")
    assert gpus() == ["cuda:0", "cuda:1"]
    assert [slot.device for slot in slots("cuda", 4, work=9)] == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]
    assert [slot.device for slot in slots("cuda:1", 2, work=9)] == ["cuda:1", "cuda:1"]


def test_a_gpu_that_is_not_visible_is_refused_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, FakeDriver((H100,)))
    with pytest.raises(UsageError, match="may use no cuda:3") as refused:
        slots("cuda:3", None, work=1)
    assert "It may use cuda:0;" in refused.value.why
    assert gpu("cuda:3") == (None, None)


@pytest.mark.parametrize(
    ("driver", "problem"),
    [
        (None, "libcuda.so.1) is not installed"),
        (FakeDriver((), init=100), "finds no GPU that CUDA_VISIBLE_DEVICES lets"),
        (FakeDriver(()), "finds no GPU that CUDA_VISIBLE_DEVICES lets"),
        (FakeDriver((H100,), init=803), "does not start: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"),
    ],
)
def test_a_machine_without_a_gpu_says_why(
    monkeypatch: pytest.MonkeyPatch, driver: FakeDriver | None, problem: str
) -> None:
    install(monkeypatch, driver)
    assert gpus() == []
    assert problem in cuda_driver().problem
    assert slots("auto", None, work=1)[0].device == "cpu"
    with pytest.raises(UsageError, match="no CUDA GPU") as refused:
        slots("cuda", None, work=1)
    assert problem in refused.value.why


def test_the_memory_of_a_gpu_is_that_of_the_device_torch_means(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, FakeDriver((H100, H100)))
    install_nvml(monkeypatch, {f"GPU-{uuid_of(0)}": 1, f"GPU-{uuid_of(1)}": 2})
    assert gpu("cuda") == (H100, DeviceMemory(1, 80 * 2**30))
    assert gpu("cuda:1") == (H100, DeviceMemory(2, 80 * 2**30))


def test_a_slice_of_a_gpu_has_its_own_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, FakeDriver((SLICE,)))
    install_nvml(monkeypatch, {f"MIG-{uuid_of(0)}": 7})
    assert gpus() == ["cuda:0"]
    assert gpu("cuda:0") == (SLICE, DeviceMemory(7, 80 * 2**30))


@pytest.mark.parametrize("free", [None, {}])
def test_memory_that_is_not_reported_is_unknown(monkeypatch: pytest.MonkeyPatch, free: dict[str, int] | None) -> None:
    install(monkeypatch, FakeDriver((H100,)))
    install_nvml(monkeypatch, free)
    assert gpu("cuda:0") == (H100, None)
