from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import torch

from sweep.scoring import kernel
from sweep.scoring.features import Features
from sweep.scoring.frechet import feature_moments
from sweep.scoring.kernel import mean_of_pairs
from sweep.scoring.measure import measure_distances
from sweep.scoring.reference import Reference

CUDA = torch.device("cuda", 0)


@pytest.mark.parametrize("whole", [2**24, 0])
def test_a_gpu_measures_what_the_cpu_does(monkeypatch: pytest.MonkeyPatch, whole: int) -> None:
    monkeypatch.setattr(kernel, "WHOLE", whole)
    rng = np.random.default_rng(0)
    rows, real = (rng.normal(size=(n, 32)).astype(np.float32) for n in (600, 900))
    reference = Reference(
        images_sha256="r", extractor_sha256="e", rows=real, moments=feature_moments(real), pairs=mean_of_pairs(real)
    )
    features = Features(penultimate=rows + 0.2, logits=rows[:, :10], extractor="x", extractor_sha256="e")
    on_gpu, on_cpu = (
        asdict(measure_distances(features, reference, n=600, device=d)) for d in (CUDA, torch.device("cpu"))
    )
    for name, value in on_cpu.items():
        assert on_gpu[name] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-8, abs=1e-10)), name
