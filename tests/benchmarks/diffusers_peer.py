"""diffusers' UNet2DModel, trained and sampled as its users do. Importing this needs diffusers and accelerate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from diffusers import DDIMPipeline, DDIMScheduler, DDPMScheduler
from diffusers.optimization import get_scheduler
from diffusers.training_utils import EMAModel
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from tests.benchmarks.cases import Case

CPU_WORKERS, GPU_WORKERS = 0, 8


class Pictures(Dataset[Tensor]):
    """What the example script reads: pictures, transformed one by one. Already decoded, which flatters it."""

    def __init__(self, images: Tensor) -> None:
        pixels = images.permute(0, 2, 3, 1).squeeze(3).contiguous()
        self._pictures = [Image.fromarray(picture.numpy()) for picture in pixels]
        size, middle = images.shape[2], [0.5] * images.shape[1]
        self._augment = transforms.Compose(
            [
                transforms.Resize(size, interpolation=transforms.InterpolationMode.BILINEAR),
                transforms.CenterCrop(size),
                transforms.ToTensor(),
                transforms.Normalize(middle, middle),
            ]
        )

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Tensor:
        told: Tensor = self._augment(self._pictures[index])
        return told


class Script:
    """A step of examples/unconditional_image_generation/train_unconditional.py with its defaults and --use_ema."""

    def __init__(self, case: Case, device: torch.device) -> None:
        precision = "bf16" if case.precision == "bf16" else "no"
        AcceleratorState._reset_state(reset_partial_state=True)  # else the first precision is the process's for good
        self.accelerator = Accelerator(mixed_precision=precision, cpu=device.type == "cpu")
        self.scheduler = DDPMScheduler(num_train_timesteps=1000)
        net: Any = case.peer_net()
        self.ema = EMAModel(net.parameters(), decay=0.9999, use_ema_warmup=True, inv_gamma=1.0, power=0.75)
        self.ema.to(device)
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-6, eps=1e-8)
        workers = CPU_WORKERS if device.type == "cpu" else GPU_WORKERS
        loader: Any = DataLoader(
            Pictures(case.dataset().train),
            batch_size=case.batch,
            shuffle=True,
            num_workers=workers,
            persistent_workers=workers > 0,  # the script starts them anew each epoch; a block of steps may be one
        )
        lr_scheduler = get_scheduler("cosine", optimizer, num_warmup_steps=500, num_training_steps=10**6)
        self.net, self.optimizer, loader, self.lr_scheduler = self.accelerator.prepare(
            net, optimizer, loader, lr_scheduler
        )
        self.batches: Iterator[Tensor] = chain.from_iterable(repeat(loader))
        self.logs: list[dict[str, float]] = []

    def step(self) -> None:
        clean = next(self.batches)
        noise = torch.randn(clean.shape, device=clean.device)
        steps = self.scheduler.config.num_train_timesteps
        timesteps = torch.randint(0, steps, (len(clean),), device=clean.device).long()
        noisy = self.scheduler.add_noise(clean, noise, timesteps)
        with self.accelerator.accumulate(self.net):
            loss = functional.mse_loss(self.net(noisy, timesteps).sample.float(), noise.float())
            self.accelerator.backward(loss)
            if self.accelerator.sync_gradients:
                self.accelerator.clip_grad_norm_(self.net.parameters(), 1.0)
            self.optimizer.step()
            self.lr_scheduler.step()
            self.optimizer.zero_grad()
        self.ema.step(self.net.parameters())
        self.logs.append({"loss": loss.detach().item(), "lr": self.lr_scheduler.get_last_lr()[0]})


class Tuned:
    """The same step with everything a careful user would turn on.

    channels_last, compile, fused AdamW, foreach EMA, data on the device, no wait for the loss.
    """

    def __init__(self, case: Case, device: torch.device, *, compiled: bool) -> None:
        self.case, self.device = case, device
        self.scheduler = DDPMScheduler(num_train_timesteps=1000)
        self.alphas_bar = self.scheduler.alphas_cumprod.to(device)
        self.net: Any = case.peer_net().to(device, memory_format=_layout(device))
        self.predict: Any = (
            torch.compile(self.net, mode=None if device.type == "cpu" else "reduce-overhead") if compiled else self.net
        )
        self.ema = EMAModel(self.net.parameters(), decay=0.9999, foreach=True)
        self.ema.to(device)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-6, fused=True
        )
        self.images = case.dataset().train.to(device)

    def step(self) -> None:
        chosen = torch.randint(len(self.images), (self.case.batch,), device=self.device)
        clean = self.images[chosen].float().div(127.5).sub(1).to(memory_format=_layout(self.device))
        noise = torch.randn_like(clean)
        timesteps = torch.randint(0, 1000, (self.case.batch,), device=self.device)
        share = self.alphas_bar[timesteps].view(-1, 1, 1, 1)
        noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.case.precision == "bf16"):
            output = self.predict(noisy, timesteps, return_dict=False)[0]
        functional.mse_loss(output.float(), noise).backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0, foreach=True)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.ema.step(self.net.parameters())


def _layout(device: torch.device) -> torch.memory_format:
    return torch.channels_last if device.type == "cuda" else torch.contiguous_format


def sampler(
    net: nn.Module, case: Case, device: torch.device, *, betas: Tensor | None = None, autocast: bool
) -> Callable[[int, int], Tensor]:
    """(n, batch) -> uint8 images [n, C, H, W] by DDIMPipeline, at the case's sampling steps."""
    scheduler = DDIMScheduler(
        num_train_timesteps=1000 if betas is None else len(betas),
        trained_betas=None if betas is None else betas.float().numpy(),
        timestep_spacing="trailing",
    )
    pipeline = DDIMPipeline(unet=net, scheduler=scheduler)
    pipeline.set_progress_bar_config(disable=True)

    def draw(n: int, batch: int) -> Tensor:
        parts: list[Tensor] = []
        with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
            while sum(map(len, parts)) < n:
                found = pipeline(
                    batch_size=min(batch, n - sum(map(len, parts))),
                    num_inference_steps=case.sampling_steps,
                    use_clipped_model_output=True,
                    output_type="np",
                ).images
                parts.append(torch.from_numpy((found * 255).round().astype("uint8")).permute(0, 3, 1, 2))
        return torch.cat(parts)

    return draw
