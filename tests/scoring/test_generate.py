from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from sweep.config.run import EvalConfig
from sweep.data.pixels import to_uint8
from sweep.diffusion.process import Diffusion
from sweep.diffusion.samplers import SamplingPlan
from sweep.errors import Diverged
from sweep.scoring.generate import LARGEST_BATCH, default_batch, generate, sampling_plan

SHAPE = (1, 8, 8)
DDIM = SamplingPlan(sampler="ddim", steps=5, target="epsilon")
ANCESTRAL = SamplingPlan(sampler="ancestral", steps=5, target="epsilon")


class Pixelwise(nn.Module):
    """A net without sums: its output has the same bits in every batch."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.9))

    def forward(self, x: Tensor, i: Tensor) -> Tensor:
        return torch.tanh(self.scale * x + 0.001 * i.view(-1, 1, 1, 1))


class Changed(nn.Module):
    """`net`, with a say in its inputs and outputs."""

    def __init__(self, net: nn.Module, change: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.net, self.change = net, change

    def forward(self, x: Tensor, i: Tensor) -> Tensor:
        return self.change(x, self.net(x, i))


@pytest.mark.parametrize("plan", [DDIM, ANCESTRAL], ids=lambda plan: plan.sampler)
def test_images_have_the_same_bits_in_every_batch(diffusion: Diffusion, plan: SamplingPlan) -> None:
    whole = generate(Pixelwise(), diffusion, plan, shape=SHAPE, n=13, noise_set=3, batch=13)
    assert whole.dtype == torch.uint8
    assert whole.shape == (13, *SHAPE)
    for batch in (1, 4, 5):
        assert torch.equal(generate(Pixelwise(), diffusion, plan, shape=SHAPE, n=13, noise_set=3, batch=batch), whole)


def test_a_real_net_moves_a_rare_pixel_by_one_level(unet: nn.Module, diffusion: Diffusion) -> None:
    one, other = (
        generate(unet, diffusion, ANCESTRAL, shape=SHAPE, n=40, noise_set=0, batch=batch).int() for batch in (7, 40)
    )
    assert (one - other).abs().max() <= 1
    assert (one != other).double().mean() < 0.002
    assert (one[:-1] != one[1:]).double().mean() > 0.3  # the images differ among themselves


def test_fewer_images_are_the_first_of_more(unet: nn.Module, diffusion: Diffusion) -> None:
    few, more = (generate(unet, diffusion, DDIM, shape=SHAPE, n=n, noise_set=0, batch=8) for n in (11, 30))
    assert torch.equal(few, more[:11])


@pytest.mark.parametrize("batch", [1, 3, 8, 64])
def test_n_is_n_whatever_the_batch(diffusion: Diffusion, batch: int) -> None:
    """50,000 // 64 batches of 64 are the 49,984 images of a published table."""
    images = generate(Pixelwise(), diffusion, DDIM, shape=SHAPE, n=50, noise_set=0, batch=batch)
    assert len(images) == 50


def test_a_noise_set_is_other_noise(diffusion: Diffusion) -> None:
    one, other = (generate(Pixelwise(), diffusion, DDIM, shape=SHAPE, n=8, noise_set=s) for s in (0, 1))
    assert not torch.equal(one, other)


def test_a_net_that_knows_the_one_image_draws_it(diffusion: Diffusion) -> None:
    # Data of a single image c: epsilon = (x_t - sqrt(alphas_bar_t) c) / sqrt(1 - alphas_bar_t), Ho et al. 2020, eq. 4.
    c = torch.linspace(-1, 1, 64).view(SHAPE)

    class Knows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.Parameter(torch.zeros(1))

        def forward(self, x: Tensor, i: Tensor) -> Tensor:
            alphas_bar = diffusion.alphas_bar[i].view(-1, 1, 1, 1)
            return ((x - alphas_bar.sqrt() * c) / (1 - alphas_bar).sqrt()).float()

    for plan in (DDIM, ANCESTRAL):
        drawn = generate(Knows(), diffusion, plan, shape=SHAPE, n=3, noise_set=0)
        assert torch.equal(drawn, to_uint8(c).expand(3, -1, -1, -1))


def test_dropout_is_off_and_the_flags_come_back(unet: nn.Module, diffusion: Diffusion) -> None:
    first = next(module for module in unet.modules() if isinstance(module, nn.Conv2d))
    unet.train()
    first.eval()
    flags = [module.training for module in unet.modules()]
    one = generate(unet, diffusion, DDIM, shape=SHAPE, n=6, noise_set=0)
    assert [module.training for module in unet.modules()] == flags
    other = generate(unet.eval(), diffusion, DDIM, shape=SHAPE, n=6, noise_set=0)
    assert torch.equal(one, other)


def test_the_global_stream_and_the_gradients_are_left_alone(unet: nn.Module, diffusion: Diffusion) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    generate(unet, diffusion, ANCESTRAL, shape=SHAPE, n=3, noise_set=0)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in unet.parameters())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_one_bad_prediction_is_no_score(diffusion: Diffusion, value: float) -> None:
    # An infinite epsilon is clipped to a fine picture; only the net's own output shows it.
    def spoil(_x: Tensor, output: Tensor) -> Tensor:
        output = output.clone()
        output[1, 0, 0, 0] = value
        return output

    net = Changed(Pixelwise(), spoil)
    net.train()
    with pytest.raises(Diverged, match="1 of 4 images are not finite; the first is image 1") as caught:
        generate(net, diffusion, DDIM, shape=SHAPE, n=4, noise_set=2)
    assert caught.value.evidence == {"images": [1.0]}
    assert net.training


def test_a_batch_that_does_not_fit_is_halved(diffusion: Diffusion) -> None:
    sizes = []

    def full_memory(x: Tensor, output: Tensor) -> Tensor:
        sizes.append(len(x))
        if len(x) > 3:
            raise torch.OutOfMemoryError("out of memory")
        return output

    drawn = generate(Changed(Pixelwise(), full_memory), diffusion, DDIM, shape=SHAPE, n=9, noise_set=0, batch=8)
    assert torch.equal(drawn, generate(Pixelwise(), diffusion, DDIM, shape=SHAPE, n=9, noise_set=0))
    assert sizes[:2] == [8, 4]
    assert set(sizes[2:]) == {2}


def test_bf16_is_inside_the_net_only(unet: nn.Module, diffusion: Diffusion) -> None:
    inside: list[torch.dtype] = []
    first = next(module for module in unet.modules() if isinstance(module, nn.Conv2d))
    first.register_forward_hook(lambda _module, _inputs, output: inside.append(output.dtype))
    outside: list[torch.dtype] = []

    def watch(x: Tensor, output: Tensor) -> Tensor:
        outside.append(x.dtype)
        return output

    precise, fast = (
        generate(Changed(unet, watch), diffusion, DDIM, shape=SHAPE, n=8, noise_set=0, precision=precision).int()
        for precision in ("fp32", "bf16")
    )
    assert (inside[0], inside[-1]) == (torch.float32, torch.bfloat16)
    assert set(outside) == {torch.float32}
    assert 0 < (precise - fast).abs().double().mean() < 10


def test_progress_ends_at_n(diffusion: Diffusion) -> None:
    told: list[tuple[int, int]] = []
    generate(
        Pixelwise(), diffusion, DDIM, shape=SHAPE, n=10, noise_set=0, batch=4, on_progress=lambda *now: told.append(now)
    )
    assert told == [(4, 10), (8, 10), (10, 10)]


@pytest.mark.parametrize(("size", "batch"), [(8, 512), (28, 128), (32, 128), (256, 16)])
def test_default_batch_on_a_cpu_depends_on_the_image_alone(size: int, batch: int) -> None:
    assert default_batch(Pixelwise(), (3, size, size), torch.device("cpu")) == batch


def test_plan_says_what_the_config_says() -> None:
    config = EvalConfig(
        sampler="ancestral", sampling_steps=7, spacing="linspace", eta=0.5, variance="fixed_large", x0_clip="none"
    )
    assert sampling_plan(config, "v") == SamplingPlan(
        sampler="ancestral", steps=7, target="v", spacing="linspace", eta=0.5, variance="fixed_large", x0_clip="none"
    )


# One-time workspaces were counted, so that the first score of a process sampled in smaller batches than the second; and
# the probe reset the peak by which an attempt reports its memory.
def test_a_gpu_samples_in_batches_that_follow_from_the_net_alone(
    unet: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    def touched(*_: object) -> int:
        raise AssertionError("the counters of the device were read or reset")

    for name in ("reset_peak_memory_stats", "memory_allocated", "max_memory_allocated"):
        monkeypatch.setattr(torch.cuda, name, touched)
    properties = SimpleNamespace(total_memory=2**27)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)
    sizes = [default_batch(unet, SHAPE, torch.device("cuda", 0)) for _ in range(2)]
    unet(torch.zeros(300, *SHAPE), torch.zeros(300, dtype=torch.int64))
    assert {*sizes, default_batch(unet, SHAPE, torch.device("cuda", 0))} == {sizes[0]}
    assert 1 < sizes[0] < LARGEST_BATCH
    properties.total_memory *= 2
    assert default_batch(unet, SHAPE, torch.device("cuda", 0)) == 2 * sizes[0]
