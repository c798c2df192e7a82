from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sweep.config.run import EvalConfig
from sweep.data.dataset import Dataset
from sweep.diffusion.process import Diffusion
from sweep.nets.build import build
from sweep.nets.cuda_graph import StepFn
from sweep.scoring.generate import generate, sampling_plan
from sweep.scoring.guided_predictor import Guidance, guidance_of
from sweep.scoring.sample_labels import SampleLabels, sample_labels
from tests.helpers.recorded_step import Recorded

SHAPE = (1, 8, 8)


def conditional(kind: str = "mlp", seed: int = 0) -> nn.Module:
    sizes = {
        "mlp": {"width": 16, "depth": 1},
        "unet": {"channels": 8, "channel_mults": (1, 2), "res_blocks": 1, "attention_resolutions": (), "groups": 4},
    }
    generator = torch.Generator().manual_seed(seed)
    net = build(kind, sizes[kind], image_channels=1, image_size=8, generator=generator, num_classes=10)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return net


@pytest.fixture(scope="module")
def labels(digits: Dataset) -> SampleLabels:
    return sample_labels(digits, "train")


def images(net: nn.Module, diffusion: Diffusion, config: EvalConfig, labels: SampleLabels, **options: object) -> Tensor:
    chosen = {"guidance": guidance_of(config, diffusion), "n": 8, "batch": 4, "noise_set": 1} | options
    return generate(net, diffusion, sampling_plan(config, "epsilon"), shape=SHAPE, labels=labels, **chosen)


@pytest.mark.parametrize("kind", ["mlp", "unet"])
def test_a_scale_of_one_gives_the_bits_of_the_unguided_net(
    diffusion: Diffusion, labels: SampleLabels, kind: str
) -> None:
    net = conditional(kind)
    unguided = images(net, diffusion, EvalConfig(sampling_steps=5), labels, guidance=None)
    one = EvalConfig(sampling_steps=5, guidance_scale=1.0, guidance_interval=(0.1, 2.0))
    assert torch.equal(images(net, diffusion, one, labels), unguided)
    guided = images(net, diffusion, EvalConfig(sampling_steps=5, guidance_scale=3.0), labels)
    assert not torch.equal(guided, unguided)


def test_a_replayed_guided_net_draws_the_bits_of_the_eager_one(diffusion: Diffusion, labels: SampleLabels) -> None:
    recorded: list[Recorded] = []

    def recording(step_fn: StepFn, device: torch.device) -> Recorded:
        recorded.append(Recorded(step_fn, device))
        return recorded[-1]

    config = EvalConfig(sampling_steps=8, guidance_scale=2.0, guidance_interval=(0.2, 5.0))
    net = conditional("unet")
    replayed = images(net, diffusion, config, labels, execution=recording)
    assert torch.equal(replayed, images(net, diffusion, config, labels))
    assert len(recorded) == 2
    assert min(step.replays for step in recorded) > 0  # with and without guidance


def test_autoguidance_needs_no_classes(diffusion: Diffusion) -> None:
    nets = [
        build(
            "mlp",
            {"width": 16, "depth": 1},
            image_channels=1,
            image_size=8,
            generator=torch.Generator().manual_seed(seed),
        )
        for seed in (0, 1)
    ]
    with torch.no_grad():
        for net in nets:
            for parameter in net.parameters():
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)))
    config = EvalConfig(sampling_steps=4, guidance_scale=0.0, guidance_kind="autoguidance")
    plan = sampling_plan(config, "epsilon")
    weaker = guidance_of(config, diffusion, nets[1])
    assert isinstance(weaker, Guidance)
    common = {"shape": SHAPE, "n": 4, "noise_set": 0}
    # At scale 0 the weaker net alone is left.
    guided = generate(nets[0], diffusion, plan, guidance=weaker, **common)
    assert torch.equal(guided, generate(nets[1], diffusion, plan, **common))
    assert not torch.equal(guided, generate(nets[0], diffusion, plan, **common))


def test_the_class_of_a_sample_depends_on_its_noise_alone(labels: SampleLabels) -> None:
    whole = labels.of(7, torch.arange(100))
    assert torch.equal(whole[40:60], labels.of(7, torch.arange(40, 60)))
    assert not torch.equal(whole, labels.of(8, torch.arange(100)))
    assert labels.of(7, torch.tensor([3, 3])).unique().numel() == 1
    assert whole.tolist()[:6] == [5, 2, 2, 8, 3, 1]


def test_classes_have_the_shares_of_the_reference() -> None:
    images = torch.zeros(10, 1, 4, 4, dtype=torch.uint8)
    of_images = torch.tensor([4] * 7 + [9] * 2 + [30])
    empty = torch.zeros(0, dtype=torch.int64)
    dataset = Dataset(
        name="x",
        train=images,
        validation=images[:0],
        test=images,
        train_labels=of_images,
        validation_labels=empty,
        test_labels=of_images.flip(0).clamp(max=9),
    )
    drawn = sample_labels(dataset, "train").of(0, torch.arange(20_000)).bincount(minlength=3) / 20_000
    # Three standard errors of a share of a half.
    assert (drawn - torch.tensor([0.7, 0.2, 0.1])).abs().max() < 0.011
    assert sample_labels(dataset, "test").of(0, torch.arange(2_000)).unique().tolist() == [0, 1]
    assert sample_labels(dataset, "train", only=2).of(0, torch.arange(5)).tolist() == [2] * 5
