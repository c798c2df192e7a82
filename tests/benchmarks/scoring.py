"""Seconds of a score, by where they go, beside torch-fidelity on the same images and the same extractor."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from sweep.config.run import EvalConfig, TrainConfig
from sweep.data.sources import load_dataset
from sweep.diffusion.process import Diffusion
from sweep.nets.memory_format import laid_out
from sweep.scoring.evaluator import open_evaluator, resolve_protocol
from sweep.scoring.features import Features
from sweep.scoring.fidelity import calculate
from sweep.scoring.frechet import feature_moments
from sweep.scoring.generate import generate, sampling_plan
from sweep.scoring.kernel import mean_of_pairs
from sweep.scoring.measure import measure_distances
from sweep.scoring.reference import COMPARED_ROWS, Reference
from sweep.scoring.score import score
from sweep.training.initial_net import build_net
from sweep.training.noise_tables import betas_of
from tests.benchmarks.fidelity_peer import METRICS, calculated, register
from tests.benchmarks.pairs import alternate, ratio
from tests.benchmarks.rows import Row


def measure(device: torch.device, folder: Path, *, quick: bool) -> Iterator[Row]:
    yield from _whole_scores(device, folder, quick=quick)
    yield from _wide_statistics(device, quick=quick)


def _whole_scores(device: torch.device, folder: Path, *, quick: bool) -> list[Row]:
    dataset = load_dataset("digits")
    n, steps = (64, 2) if quick else (512, 10)
    protocol = resolve_protocol(dataset, "classifier", n=n, folder=folder)
    evaluator = open_evaluator(protocol, dataset, folder=folder, device=device)
    config = TrainConfig.model_validate({"data": {"name": "digits"}, "net": "unet_8", "images": 1000})
    net = laid_out(build_net(config, channels=1, size=8).to(device), config.net.kind)
    diffusion, evaluation = Diffusion.from_betas(betas_of(config), device), EvalConfig(sampling_steps=steps)
    images = generate(net, diffusion, sampling_plan(evaluation, config.target), shape=evaluator.shape, n=n, noise_set=0)
    register(evaluator.extractor)
    scored = []

    def ours() -> None:
        result = score(net, diffusion, evaluation, evaluator, target=config.target, seed=0, folder=folder / "score")
        scored.append(result)

    def theirs() -> None:
        calculated(images, dataset.train, METRICS)

    spent = alternate({"ours": ours, "theirs": theirs}, device, rounds=1 if quick else 3)
    seconds = [result.sets[0].seconds for result in scored[1:]]
    case = f"digits, n = {n}, ddim {steps}"
    parts = {
        part: sorted(getattr(one, part) for one in seconds)[len(seconds) // 2]
        for part in ("sampling", "features", "statistics")
    }
    rows = [Row(measure=f"scoring: {part}", case=case, unit="s", ours=value) for part, value in parts.items()]
    # Ours also has standard errors by jackknife, density, coverage, and files of all features.
    without_sampling = [whole - one.sampling for whole, one in zip(spent["ours"], seconds, strict=True)]
    rows.append(
        Row(
            measure="scoring: all but sampling",
            case=case,
            unit="s",
            ours=sorted(without_sampling)[len(seconds) // 2],
            peer="torch-fidelity on images",
            theirs=sorted(spent["theirs"])[len(seconds) // 2],
            ratio=ratio(without_sampling, spent["theirs"]),
        )
    )
    return rows


def _wide_statistics(device: torch.device, *, quick: bool) -> Iterator[Row]:
    """Statistics of as many features as Inception has, beside the distances of torch-fidelity alone.

    The features are drawn: Inception's weights are a download.
    """
    n, of_reference, dim = (256, 512, 64) if quick else (10_000, 50_000, 2048)
    draws = np.random.default_rng(0)
    mixed = draws.normal(size=(dim, dim)).astype(np.float32) / dim**0.5
    real, rows = (draws.normal(size=(size, dim)).astype(np.float32) @ mixed for size in (of_reference, n))
    reference = Reference(
        images_sha256="drawn",
        extractor_sha256="drawn",
        rows=real,
        moments=feature_moments(real),
        pairs=mean_of_pairs(real[:COMPARED_ROWS]),
    )
    logits = rows[:, :10].copy()
    features = Features(penultimate=rows + 0.1, logits=logits, extractor="drawn", extractor_sha256="drawn")
    started = time.perf_counter()
    measure_distances(features, reference, n=n, device=device)
    ours = time.perf_counter() - started
    started = time.perf_counter()
    calculate(features.penultimate, real, settings={"fid": True})
    theirs = time.perf_counter() - started
    yield Row(
        measure="scoring: statistics",
        case=f"{dim} drawn features, n = {n}, reference {of_reference}",
        unit="s",
        ours=ours,
        peer="torch-fidelity, its FID alone, on the CPU",
        theirs=theirs,
        note="ours: FID, KID, precision, recall, density, coverage, with standard errors",
    )
