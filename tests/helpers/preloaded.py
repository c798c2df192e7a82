"""Imported once by the fork server: all that is slow to load, and the compiler that the first optimizer loads."""

from __future__ import annotations

import torch

from sweep.data.sources import load_dataset
from sweep.worker import jobs, worker

__all__ = ["jobs", "worker"]

torch.set_num_threads(1)
load_dataset("digits")
torch.optim.Adam(torch.nn.Linear(1, 1).parameters())
