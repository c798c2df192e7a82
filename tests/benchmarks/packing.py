"""Trials an hour of the fixed sweep with one worker on a device, and with several."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from sweep.data.sources import load_dataset
from sweep.files.file_names import EXTRACTORS
from sweep.scoring.features import load_extractor
from tests.benchmarks.rows import Ratio, Row
from tests.benchmarks.sweeps import HOUR, launched_seconds, plan


def measure(device: torch.device, *, quick: bool) -> Iterator[Row]:
    alone = None
    for workers in (1, 2) if quick or device.type == "cpu" else (1, 2, 4):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            of = plan(device, folder, quick=quick)
            # One average: this is about trainings that share a device.
            of = replace(of, decays=of.decays[:1])
            path = Path(of.data.path) if of.data.path else None
            dataset = load_dataset(of.data.name, path=path, size=of.data.size)
            load_extractor("classifier", dataset, folder=folder / EXTRACTORS, device=torch.device("cpu"))
            seconds = launched_seconds(of, folder, "--pack", str(workers))
        alone = alone or seconds
        yield Row(
            measure="packing",
            case=f"{workers} on one device, {of.trials} trials of {of.preset}, {of.images} images",
            unit="trials/h",
            ours=HOUR * of.trials / seconds,
            peer="one worker",
            theirs=HOUR * of.trials / alone,
            ratio=Ratio.of([alone / seconds]),
        )
