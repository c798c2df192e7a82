"""The GPUs of this machine as the CUDA driver counts them, without loading torch.

torch counts as the driver does. So nothing else is read: what CUDA_VISIBLE_DEVICES hides, repeats or misspells, and the
slices of a divided GPU (MIG), mean here what they mean to a training. The driver reads that variable once in a process.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sweep.executors.packing import DeviceMemory

_LIBRARY = "libcuda.so.1"
_NAME_BYTES = 256
# CUresult of cuInit where the driver is installed and no GPU is visible.
_NO_DEVICE = 100


@dataclass(frozen=True)
class CudaDevice:
    """One GPU, or one slice of a GPU.

    Attributes:
        index: Its number in torch's name `cuda:0`.
        name: Model, e.g. `NVIDIA H100 80GB HBM3`.
        uuid: Identity of the GPU or slice; indices change with CUDA_VISIBLE_DEVICES, this does not.
        total_bytes: Memory of the device, or of the slice.
    """

    index: int
    name: str
    uuid: UUID
    total_bytes: int


@dataclass(frozen=True)
class CudaDriver:
    """What the driver reports.

    Attributes:
        devices: Visible GPUs, in torch's order.
        problem: Why there are none, as a sentence; empty where there are some.
    """

    devices: tuple[CudaDevice, ...] = ()
    problem: str = ""


def cuda_driver() -> CudaDriver:
    """Ask the CUDA driver for the GPUs that this process may use. Takes no memory on them."""
    library = _load()
    if library is None:
        return CudaDriver(problem=f"The CUDA driver ({_LIBRARY}) is not installed here.")
    result = int(library.cuInit(0))
    if result not in (0, _NO_DEVICE):
        return CudaDriver(problem=f"The CUDA driver does not start: {_error_name(library, result)}.")
    count = ctypes.c_int(0)
    if result == _NO_DEVICE or library.cuDeviceGetCount(ctypes.byref(count)) != 0 or count.value == 0:
        return CudaDriver(problem="The CUDA driver finds no GPU that CUDA_VISIBLE_DEVICES lets this process use.")
    return CudaDriver(tuple(_device(library, index) for index in range(count.value)))


def free_memory(device: CudaDevice) -> DeviceMemory | None:
    """Memory of a GPU that nobody uses now, by NVML; None where the machine does not report it.

    Args:
        device: The GPU, or the slice of a GPU.
    """
    import pynvml

    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        try:
            return _by_uuid(device, pynvml.nvmlDeviceGetHandleByUUID, pynvml.nvmlDeviceGetMemoryInfo)
        finally:
            pynvml.nvmlShutdown()
    return None


def driver_version() -> str | None:
    """Version of the installed driver, such as `570.86.15`, by NVML; None where the machine does not report it."""
    import pynvml

    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        try:
            return str(pynvml.nvmlSystemGetDriverVersion())
        finally:
            pynvml.nvmlShutdown()
    return None


def _by_uuid(device: CudaDevice, handle_of: Callable[[str], Any], memory_of: Callable[[Any], Any]) -> DeviceMemory:
    import pynvml

    try:
        handle = handle_of(f"GPU-{device.uuid}")
    except pynvml.NVMLError:
        handle = handle_of(f"MIG-{device.uuid}")
    memory = memory_of(handle)
    return DeviceMemory(int(memory.free), int(memory.total))


def _load() -> Any | None:
    try:
        return ctypes.CDLL(_LIBRARY)
    except OSError:
        return None


def _device(library: Any, index: int) -> CudaDevice:
    handle, total = ctypes.c_int(), ctypes.c_size_t()
    name, uuid = ctypes.create_string_buffer(_NAME_BYTES), ctypes.create_string_buffer(16)
    library.cuDeviceGet(ctypes.byref(handle), index)
    library.cuDeviceGetName(name, _NAME_BYTES, handle)
    # The second version tells a slice apart from its GPU; both drivers that lack it and GPUs without slices have one.
    uuid_of = getattr(library, "cuDeviceGetUuid_v2", library.cuDeviceGetUuid)
    uuid_of(uuid, handle)
    library.cuDeviceTotalMem_v2(ctypes.byref(total), handle)
    return CudaDevice(index, name.value.decode(errors="replace"), UUID(bytes=uuid.raw), int(total.value))


def _error_name(library: Any, result: int) -> str:
    text = ctypes.c_char_p()
    library.cuGetErrorName(result, ctypes.byref(text))
    return text.value.decode(errors="replace") if text.value else f"error {result}"
