"""Images a second for each network evaluation, from equal nets by the same sampler and steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from sweep.config.part_names import Precision
from sweep.config.run import EvalConfig
from sweep.diffusion.process import Diffusion
from sweep.nets.memory_format import laid_out
from sweep.scoring.generate import default_batch, generate, sampling_plan
from sweep.training.noise_tables import betas_of
from tests.benchmarks.cases import Case, cases
from tests.benchmarks.machine import Machine
from tests.benchmarks.pairs import Block, alternate, rate, ratio
from tests.benchmarks.rows import Row

PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")


def measure(machine: Machine, device: torch.device, *, quick: bool, names: Sequence[str] = ()) -> Iterator[Row]:
    for case in cases(device, quick=quick, names=names):
        yield from sampled(case, machine, device, rounds=1 if quick else 4)


def sampled(case: Case, machine: Machine, device: torch.device, *, rounds: int) -> list[Row]:
    net = laid_out(case.net().to(device).eval(), case.config.net.kind)
    diffusion = Diffusion.from_betas(betas_of(case.config), device)
    shape = (case.channels, case.size, case.size)
    plan = sampling_plan(EvalConfig(sampler="ddim", sampling_steps=case.sampling_steps), case.config.target)
    batch = min(case.samples, default_batch(net, shape, device, case.precision))

    def ours(precision: Precision) -> Block:
        return lambda: generate(
            net, diffusion, plan, shape=shape, n=case.samples, noise_set=0, batch=batch, precision=precision
        )

    precisions = PRECISIONS if machine.has_bf16 else PRECISIONS[:1]
    blocks = {f"ours {precision}": ours(precision) for precision in precisions}
    try:
        from tests.benchmarks.diffusers_peer import sampler
    except ImportError as error:
        missing = f"not installed: {error.name}"
    else:
        missing = ""
        peer = case.peer_net().to(device).eval()
        for precision in precisions:
            draw = sampler(peer, case, device, autocast=precision == "bf16")
            blocks[f"diffusers {precision}"] = lambda draw=draw: draw(case.samples, batch)
    spent = alternate(blocks, device, rounds=rounds)
    work, flops = case.samples * case.sampling_steps, case.flops(backward=False)
    return [
        Row(
            measure="sampling",
            case=f"{case.name}, {precision}, ddim {case.sampling_steps}, batch {batch}",
            unit="images/s per net call",
            ours=rate(work, spent[f"ours {precision}"]),
            peer="diffusers, DDIMPipeline",
            theirs=None if missing else rate(work, spent[f"diffusers {precision}"]),
            ratio=None if missing else ratio(spent[f"ours {precision}"], spent[f"diffusers {precision}"]),
            floor=machine.ceilings[precision] / flops,
            goal=_goal(device),
            note=missing,
        )
        for precision in precisions
    ]


def _goal(device: torch.device) -> str:
    return ">= 1.3x" if device.type == "cpu" else ">= 2x"
