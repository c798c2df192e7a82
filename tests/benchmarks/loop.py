"""The fixed sweep as a person writes it: a loop over diffusers and torch-fidelity in one process.

    python -m tests.benchmarks.loop FOLDER

reads FOLDER/plan.json and writes FOLDER/loop.json. Budget, optimizer, chain, sampler, n, extractor, reference and
initial weights are those of ours; only the way of working is another.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from diffusers import DDPMScheduler
from diffusers.training_utils import EMAModel
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from sweep.config.data import DataConfig
from sweep.data.sources import load_dataset
from sweep.diffusion.schedules import beta_schedule
from sweep.files.file_names import EXTRACTORS
from sweep.scoring.features import load_extractor
from tests.benchmarks.cases import Case
from tests.benchmarks.diffusers_peer import CPU_WORKERS, GPU_WORKERS, Pictures, sampler
from tests.benchmarks.fidelity_peer import METRICS, calculated, register
from tests.benchmarks.sweeps import Plan


def train(
    of: Plan, case: Case, images: Tensor, betas: Tensor, lr: float, seed: int
) -> tuple[nn.Module, list[EMAModel]]:
    device = torch.device(of.device)
    torch.manual_seed(seed)
    scheduler = DDPMScheduler(num_train_timesteps=of.T, trained_betas=betas.float().numpy())
    net: Any = case.peer_net().to(device)
    averages = [EMAModel(net.parameters(), decay=decay) for decay in of.decays]
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    workers = CPU_WORKERS if of.device == "cpu" else GPU_WORKERS
    loader = DataLoader(
        Pictures(images),
        batch_size=of.batch,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    step, steps = 0, of.images // of.batch
    while step < steps:
        for picked in loader:
            clean = picked.to(device)
            noise = torch.randn_like(clean)
            timesteps = torch.randint(0, of.T, (len(clean),), device=device)
            with torch.autocast(of.device, torch.bfloat16, enabled=of.precision == "bf16"):
                output = net(scheduler.add_noise(clean, noise, timesteps), timesteps).sample
            loss = functional.mse_loss(output.float(), noise)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            for average in averages:
                average.step(net.parameters())
            loss.item()
            step += 1
            if step == steps:
                break
    return net.eval(), averages


def main(folder: Path) -> None:
    told = json.loads((folder / "plan.json").read_text())
    of = Plan(**told | {"data": DataConfig(**told["data"])})
    path = Path(of.data.path) if of.data.path else None
    dataset = load_dataset(of.data.name, path=path, size=of.data.size)
    register(load_extractor("classifier", dataset, folder=folder / EXTRACTORS, device=torch.device(of.device)))
    case = Case(
        name=of.preset,
        preset=of.preset,
        channels=dataset.channels,
        size=dataset.size,
        batch=of.batch,
        precision="bf16" if of.precision == "bf16" else "fp32",
        steps=0,
        samples=of.n,
        sampling_steps=of.sampling_steps,
    )
    betas = torch.from_numpy(beta_schedule("linear_scaled", of.T, beta_1=1e-4, beta_T=0.02))
    fid, seconds = defaultdict(list), defaultdict(float)
    for lr in of.lrs:
        for seed in range(of.seeds):
            started = time.perf_counter()
            net, averages = train(of, case, dataset.train, betas, lr, seed)
            seconds["training"] += time.perf_counter() - started
            draw = sampler(net, case, torch.device(of.device), betas=betas, autocast=of.precision == "bf16")
            for decay, average in zip(of.decays, averages, strict=True):
                started = time.perf_counter()
                average.copy_to(net.parameters())
                images = draw(of.n, min(of.n, 512))
                drawn = time.perf_counter()
                fid[decay].append(calculated(images, dataset.train, METRICS)["frechet_inception_distance"])
                seconds["sampling"] += drawn - started
                seconds["scoring"] += time.perf_counter() - drawn
    (folder / "loop.json").write_text(json.dumps({"fid": fid, "seconds": seconds}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
