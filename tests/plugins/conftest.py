"""A real data set, and arithmetic whose bits do not depend on the number of cores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from sweep.data.dataset import Dataset
from sweep.data.sources import load_dataset


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load_dataset("digits")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Another number of threads sums in another order: other bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
