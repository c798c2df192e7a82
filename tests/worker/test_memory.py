from __future__ import annotations

import os
import subprocess
import sys

# 16 MiB by tensors that a step makes and frees: a page fault for each 4 KiB that comes from the kernel.
STEPS = """
import resource, sys
import torch
from sweep.worker import machine

torch.set_num_threads(1)
if sys.argv[1] == "kept":
    machine.set_up("cpu", 1)

def step():
    maps = [torch.ones(2**19) for _ in range(8)]
    return sum(float(one[0]) for one in maps)

step(), step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


# glibc's first threshold, held there: left to move, whether the heap gives back depends on where it happens to begin.
MAPPED = {"MALLOC_MMAP_THRESHOLD_": str(2**17)}


def faults(how: str) -> int:
    """Of ten steps, in a process of its own: the setting is a process's."""
    command = [sys.executable, "-c", STEPS, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | MAPPED).stdout)


def test_the_memory_of_a_step_serves_the_next_one() -> None:
    pages = 10 * 2**24 // 4096
    assert faults("kept") < pages / 10
    assert faults("as it is") > pages / 2
