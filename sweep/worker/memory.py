"""How the C library allocates memory: a process that will soon ask for as much again does not return it."""

from __future__ import annotations

import ctypes

# malloc.h of glibc. Blocks above the first threshold come from the kernel directly; free memory at the end of the heap
# beyond the second threshold is returned to it.
M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1
NEVER, MAX_MMAP = 2**30, 2**25


def keep_freed_memory() -> bool:
    """Let freed memory stay in the process for its next use, instead of returning it to the kernel.

    Each training step frees all of its feature maps and allocates them again. Pages from the kernel are mapped and
    cleared one by one, which took a tenth of the time of a small net. The peak memory is the same. Torch allocates
    all memory of the CPU by malloc.

    Returns:
        Whether the C library is a glibc that does so. Other C libraries are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    # Older versions refuse a threshold above 32 MiB.
    mapped = mallopt(M_MMAP_THRESHOLD, NEVER) or mallopt(M_MMAP_THRESHOLD, MAX_MMAP)
    return bool(mapped and mallopt(M_TRIM_THRESHOLD, NEVER))
