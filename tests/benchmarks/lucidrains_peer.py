"""denoising-diffusion-pytorch as its readme shows it: its own net, its Trainer, a folder of pictures."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import torch
from denoising_diffusion_pytorch import GaussianDiffusion, Trainer, Unet
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from tests.benchmarks.cases import Case


class Lucidrains:
    """A Trainer that goes on by so many steps at a time."""

    def __init__(self, case: Case, folder: Path) -> None:
        for index, image in enumerate(case.dataset().train[:1024]):
            Image.fromarray(image.permute(1, 2, 0).squeeze(2).numpy()).save(folder / f"{index}.png")
        settings = case.settings
        self.net = Unet(
            dim=settings["channels"],
            dim_mults=settings["channel_mults"],
            channels=case.channels,
            dropout=settings["dropout"],
        )
        diffusion = GaussianDiffusion(
            self.net, image_size=case.size, timesteps=1000, objective="pred_noise", beta_schedule="linear"
        )
        self.trainer: Any = Trainer(
            diffusion,
            str(folder),
            train_batch_size=case.batch,
            train_lr=2e-4,
            train_num_steps=0,
            ema_update_every=1,
            ema_decay=0.9999,
            adam_betas=(0.9, 0.999),
            calculate_fid=False,
            save_and_sample_every=10**9,
            amp=case.precision == "bf16",
            mixed_precision_type="bf16",
            results_folder=str(folder / "results"),
        )
        self.flops = _flops(self.net, case)

    def promote(self, steps: int) -> None:
        self.trainer.train_num_steps += steps
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            self.trainer.train()


def _flops(net: Any, case: Case) -> int:
    device = next(net.parameters()).device
    with FlopCounterMode(display=False) as counter:
        net(
            torch.zeros(1, case.channels, case.size, case.size, device=device), torch.zeros(1, device=device)
        ).sum().backward()
    net.zero_grad()
    return int(counter.get_total_flops())
