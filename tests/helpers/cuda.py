"""A CUDA driver and an NVML that say what a test wants, called as the real ones are."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid5

import pynvml
import pytest

from sweep.executors import cuda_driver

NAMESPACE = UUID(int=1)


@dataclass
class FakeDriver:
    """The functions of libcuda that are called, for GPUs of these names; writes through pointers as C does."""

    names: tuple[str, ...]
    init: int = 0
    total: int = 80 * 2**30

    def cuInit(self, flags: int) -> int:
        return self.init

    def cuDeviceGetCount(self, count: Any) -> int:
        count._obj.value = len(self.names)
        return 0

    def cuDeviceGet(self, handle: Any, index: int) -> int:
        handle._obj.value = index
        return 0

    def cuDeviceGetName(self, text: Any, length: int, handle: Any) -> int:
        text.value = self.names[handle.value].encode()
        return 0

    def cuDeviceGetUuid(self, uuid: Any, handle: Any) -> int:
        uuid.raw = uuid_of(handle.value).bytes
        return 0

    def cuDeviceTotalMem_v2(self, total: Any, handle: Any) -> int:
        total._obj.value = self.total
        return 0

    def cuGetErrorName(self, result: int, text: Any) -> int:
        text._obj.value = b"CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"
        return 0


def uuid_of(index: int) -> UUID:
    return uuid5(NAMESPACE, str(index))


def install(monkeypatch: pytest.MonkeyPatch, driver: FakeDriver | None) -> None:
    """Have the machine's CUDA driver be this one; None: none is installed."""
    monkeypatch.setattr(cuda_driver, "_load", lambda: driver)


def install_nvml(monkeypatch: pytest.MonkeyPatch, free: dict[str, int] | None) -> None:
    """Have NVML report so many free bytes by name (`GPU-...`, `MIG-...`); None: it is not there."""

    def start() -> None:
        if free is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    def handle_of(name: str) -> str:
        if free is None or name not in free:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return name

    monkeypatch.setattr(pynvml, "nvmlInit", start)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", handle_of)
    monkeypatch.setattr(
        pynvml, "nvmlDeviceGetMemoryInfo", lambda name: SimpleNamespace(free=(free or {})[name], total=80 * 2**30)
    )
