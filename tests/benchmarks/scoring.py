"""Seconds of a score, by where they go, beside torch-fidelity on the same images and the same extractor."""

from __future__ import annotations

from pathlib import Path

import torch

from sweep.config.run import EvalConfig, TrainConfig
from sweep.data.sources import load_dataset
from sweep.diffusion.process import Diffusion
from sweep.nets.memory_format import laid_out
from sweep.scoring.evaluator import open_evaluator, resolve_protocol
from sweep.scoring.generate import generate, sampling_plan
from sweep.scoring.score import score
from sweep.training.initial_net import build_net
from sweep.training.noise_tables import betas_of
from tests.benchmarks.fidelity_peer import METRICS, calculated, register
from tests.benchmarks.pairs import alternate, ratio
from tests.benchmarks.rows import Row


def measure(device: torch.device, folder: Path, *, quick: bool) -> list[Row]:
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
