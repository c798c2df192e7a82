"""How the C library gives memory out: kept by a process that will soon ask for as much again."""

from __future__ import annotations

import ctypes

# malloc.h of glibc. It takes blocks above the first straight from the kernel, and gives back what is free at the end
# of its heap beyond the second.
M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1
NEVER, MAX_MMAP = 2**30, 2**25


def keep_freed_memory() -> bool:
    """Have freed memory wait in the process for its next use, instead of going back to the kernel.

    Each step of a training frees all of its feature maps and asks for them again; pages from the kernel are faulted in
    and cleared one by one, which took a tenth of the time of a small net. What a process holds is its peak either way.
    Torch allocates everything on a CPU by malloc.

    Returns:
        Whether there is a glibc that does so. Other C libraries are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    # Older versions refuse more than 32 MiB; larger blocks come from the kernel there.
    mapped = mallopt(M_MMAP_THRESHOLD, NEVER) or mallopt(M_MMAP_THRESHOLD, MAX_MMAP)
    return bool(mapped and mallopt(M_TRIM_THRESHOLD, NEVER))
