"""Which class an exception belongs to: the class decides what is done about it."""

from __future__ import annotations

import errno

import pytest
from torch import AcceleratorError

from sweep.errors import (
    CheckpointError,
    DataError,
    Diverged,
    Preempted,
    SweepError,
    UnreadableCheckpoint,
    UnreadableWeights,
)
from sweep.worker.trial_process import failure_class


def caused(error: Exception, cause: Exception) -> Exception:
    """`raise error from cause`."""
    error.__cause__ = cause
    return error


CPU_ALLOCATOR = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Preempted("stopped"), "preempted"),
        (Diverged("loss nan", step=3, evidence={}), "nan"),
        (MemoryError(), "oom"),
        (RuntimeError(CPU_ALLOCATOR), "oom"),
        (RuntimeError("[enforce fail at inline_container.cc:671] . unexpected pos 31481280 vs 31481172"), "oom"),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory"), "oom"),
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"), "oom"),
        (AcceleratorError("CUDA error: out of memory"), "oom"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "oom"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), "oom"),
        (RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"), "oom"),
        (AcceleratorError("CUDA error: uncorrectable ECC error encountered"), "infra"),
        (RuntimeError("CUDA error: unspecified launch failure"), "infra"),
        (RuntimeError("CUDA error: the launch timed out and was terminated"), "infra"),
        (AcceleratorError("CUDA error: all CUDA-capable devices are busy or unavailable"), "infra"),
        (AcceleratorError("CUDA error: an illegal memory access was encountered"), "infra"),
        (RuntimeError("CUDA error: no kernel image is available for execution on the device"), "infra"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(...)`"), "infra"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"), "infra"),
        (RuntimeError("CUDA driver error: device not ready"), "infra"),
        (AcceleratorError("CUDA error: device-side assert triggered"), "bug"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_INVALID_VALUE when calling `cublasSgemm(...)`"), "bug"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED"), "bug"),
        (ValueError("a text that mentions CUDA error: out of luck"), "bug"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk_full"),
        (OSError(errno.EROFS, "Read-only file system"), "infra"),
        (caused(SweepError("not written"), OSError(errno.EFBIG, "File too large")), "disk_full"),
        (caused(SweepError("not written"), PermissionError(errno.EACCES, "denied")), "infra"),
        (caused(CheckpointError("gone"), FileNotFoundError(2, "no such file")), "infra"),
        (UnreadableCheckpoint("its 0 bytes do not have the recorded hash"), "infra"),
        (CheckpointError("of another run"), "bug"),
        (caused(UnreadableWeights("torn"), FileNotFoundError(2, "no such file")), "weights"),
        (DataError("no data here"), "infra"),
        (caused(DataError("no data here"), RuntimeError("Error downloading")), "infra"),
        (caused(SweepError("gone wrong"), RuntimeError("shape")), "bug"),
        (ValueError("shape"), "bug"),
        (AssertionError(), "bug"),
    ],
)
def test_classes(error: Exception, expected: str) -> None:
    assert failure_class(error) == expected
