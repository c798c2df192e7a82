from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from sweep.config.presets import NET_PRESETS
from sweep.errors import InfeasibleConfig
from sweep.nets.initialisation import initialise
from sweep.nets.layers import Attention, ResBlock
from sweep.nets.unet import UNet
from sweep.nets.unet_spec import unet_levels, unet_weights
from tests.helpers.diffusers_unet import diffusers_net, to_diffusers

HO_CIFAR10: dict[str, Any] = {
    "image_channels": 3,
    "image_size": 32,
    "channels": 128,
    "channel_mults": (1, 2, 2, 2),
    "res_blocks": 2,
    "attention_resolutions": (16,),
    "heads": 1,
    "dropout": 0.1,
    "groups": 32,
}
SMALL: dict[str, Any] = {
    "image_channels": 1,
    "image_size": 8,
    "channels": 16,
    "channel_mults": (1, 2),
    "res_blocks": 1,
    "attention_resolutions": (4,),
    "dropout": 0.1,
    "groups": 4,
}


def small_net(**changes: Any) -> UNet:
    net = UNet(**{**SMALL, **changes})
    initialise(net, torch.Generator().manual_seed(0))
    return net


def excite(net: nn.Module) -> None:
    """Give every parameter a size that matters: near-zero branches would agree with anything."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in net.parameters():
            fan_in = max(1, parameter[0].numel())
            spread = fan_in**-0.5 if parameter.dim() > 1 else 0.3
            parameter.copy_(spread * torch.randn(parameter.shape, generator=generator))
        for module in net.modules():
            if isinstance(module, nn.GroupNorm):
                module.weight.add_(1)


def inputs(net_config: dict[str, Any], batch: int = 2) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    shape = (batch, net_config["image_channels"], net_config["image_size"], net_config["image_size"])
    return torch.randn(shape, generator=generator), torch.randint(0, 1000, (batch,), generator=generator)


def test_ho_shape_has_exactly_the_papers_parameters() -> None:
    # Ho et al. 2020, appendix B: 35.7 million; to the unit as counted in two independent ports.
    with torch.device("meta"):
        net = UNet(**HO_CIFAR10)
    assert sum(parameter.numel() for parameter in net.parameters()) == 35_746_307


def test_ho_shape_costs_the_flops_counted_on_a_peer() -> None:
    # diffusers' google/ddpm-cifar10-32 shape, batch 1, two FLOP a multiply-add: 12.44 GFLOP.
    with torch.device("meta"):
        net = UNet(**HO_CIFAR10).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            net(torch.empty(1, 3, 32, 32), torch.zeros(1))
    assert counter.get_total_flops() / 1e9 == pytest.approx(12.44, abs=0.005)


FOUR_HEADS_28: dict[str, Any] = {
    **SMALL,
    "image_size": 28,
    "channel_mults": (1, 2, 2),
    "res_blocks": 2,
    "attention_resolutions": (14, 7),
    "heads": 4,
    "out_channels": 2,
}


@pytest.mark.conformance
@pytest.mark.parametrize("config", [HO_CIFAR10, SMALL, FOUR_HEADS_28], ids=["ho-cifar10", "small", "four-heads-28"])
def test_equals_diffusers_with_the_same_weights(config: dict[str, Any]) -> None:
    ours, peer = UNet(**config).eval(), diffusers_net(config).eval()
    excite(ours)
    peer.load_state_dict(to_diffusers(ours, len(config["channel_mults"])), strict=True)
    x, i = inputs(config, batch=1)
    with torch.no_grad():
        expected = peer(x, i).sample
        found = ours(x, i)
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.conformance
def test_a_net_with_classes_equals_that_of_diffusers() -> None:
    config = SMALL | {"num_classes": 3}
    ours, peer = UNet(**config).eval(), diffusers_net(config).eval()
    excite(ours)
    peer.load_state_dict(to_diffusers(ours, len(config["channel_mults"])), strict=True)
    x, i = inputs(config, batch=4)
    labels = torch.tensor([0, 1, 2, 3])  # the last stands for no class
    with torch.no_grad():
        torch.testing.assert_close(ours(x, i, labels), peer(x, i, class_labels=labels).sample, atol=1e-4, rtol=0)
        assert torch.equal(ours(x, i)[3], ours(x, i, labels)[3])
        assert (ours(x, i) - ours(x, i, labels))[:3].flatten(1).abs().amax(1).min() > 1e-2


@pytest.mark.parametrize("changes", [{}, {"attention_resolutions": ()}])
def test_classes_change_no_initial_weight_of_the_rest(changes: dict[str, Any]) -> None:
    plain, conditional = small_net(**changes).state_dict(), small_net(**changes, num_classes=3).state_dict()
    assert set(conditional) - set(plain) == {"time_embedding.classes.weight"}
    assert all(torch.equal(value, conditional[name]) for name, value in plain.items())


def test_starts_near_zero_and_as_the_identity_of_its_branches() -> None:
    """A port re-initialised nested layers, so that attention projections had a std of 6e-2, not 6e-7."""
    net = small_net()
    x, i = inputs(SMALL)
    assert net(x, i).abs().max() < 1e-3
    branches = [m.conv2 for m in net.modules() if isinstance(m, ResBlock)]
    projections = [m.proj for m in net.modules() if isinstance(m, Attention)]
    assert len(branches) == 2 + 2 + 4
    assert len(projections) == 1 + 1 + 2
    for layer in (*branches, *projections, net.conv_out):
        assert 0 < layer.weight.abs().max() < 1e-5


def test_gradient_reaches_every_parameter_from_the_first_step() -> None:
    net = small_net()
    x, i = inputs(SMALL)
    (net(x, i) - x).square().mean().backward()
    starved = [name for name, p in net.named_parameters() if p.grad is None or p.grad.abs().max() == 0]
    assert starved == []


def test_dropout_acts_in_training_and_never_in_eval() -> None:
    net = small_net()
    excite(net)
    x, i = inputs(SMALL)
    torch.manual_seed(0)
    assert not torch.equal(net(x, i), net(x, i))
    net.eval()
    assert torch.equal(net(x, i), net(x, i))


def test_dropout_sits_between_the_second_activation_and_conv2() -> None:
    block = ResBlock(8, 8, 16, groups=4, dropout=0.5)
    excite(block)
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    for name in ("norm2", "dropout", "conv2"):
        layer = getattr(block, name)
        layer.register_forward_hook(lambda _m, args, out, name=name: seen.update({name: (args[0], out)}))
    torch.manual_seed(0)
    block(torch.randn(2, 8, 4, 4), torch.ones(2, 16))
    torch.testing.assert_close(seen["dropout"][0], nn.functional.silu(seen["norm2"][1]))
    assert torch.equal(seen["conv2"][0], seen["dropout"][1])
    assert 0.3 < (seen["conv2"][0] == 0).float().mean() < 0.7


def test_every_index_gets_its_own_prediction() -> None:
    net = small_net().eval()
    excite(net)
    x = inputs(SMALL, batch=1)[0].expand(3, -1, -1, -1)
    out = net(x, torch.tensor([0, 1, 999]))
    assert (out[0] - out[1]).abs().max() > 1e-3
    assert (out[0] - out[2]).abs().max() > 1e-3
    torch.testing.assert_close(net(x, torch.tensor([0.0, 1.0, 999.0])), out, atol=0, rtol=0)


def test_images_of_a_batch_do_not_see_each_other() -> None:
    net = small_net().eval()
    excite(net)
    x, i = inputs(SMALL, batch=4)
    torch.testing.assert_close(net(x, i)[:1], net(x[:1], i[:1]), atol=1e-5, rtol=1e-5)


def test_features_are_the_middle_and_leave_the_prediction_alone() -> None:
    net = small_net().eval()
    excite(net)
    x, i = inputs(SMALL)
    seen: list[Tensor] = []
    net.middle[-1].register_forward_hook(lambda _module, _args, out: seen.append(out))
    out, bottleneck = net.forward_features(x, i)
    assert torch.equal(out, net(x, i))
    assert bottleneck is seen[0]
    assert bottleneck.shape == (2, 32, 4, 4)


def test_bfloat16_autocast_is_finite_close_and_returns_float32() -> None:
    net = small_net().eval()
    excite(net)
    x, _ = inputs(SMALL, batch=3)
    i = torch.tensor([0, 1, 999])
    with torch.autocast("cpu", torch.bfloat16):
        out = net(x, i)
    assert out.dtype == torch.float32
    out.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    exact = net(x, i)
    assert (out - exact).norm() / exact.norm() < 0.05


def test_channels_last_stays_channels_last_and_changes_nothing() -> None:
    net = small_net().eval()
    excite(net)
    x, i = inputs(SMALL)
    expected = net(x, i)
    net = net.to(memory_format=torch.channels_last)
    strayed: list[str] = []

    def watch(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _args: object, out: object) -> None:
            if isinstance(out, Tensor) and out.dim() == 4 and not out.is_contiguous(memory_format=torch.channels_last):
                strayed.append(name)

        return hook

    for name, module in net.named_modules():
        module.register_forward_hook(watch(name))
    found = net(x.contiguous(memory_format=torch.channels_last), i)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert strayed == []


def test_compiles_into_one_graph() -> None:
    net = small_net().eval()
    excite(net)
    x, i = inputs(SMALL)
    whole = torch.compile(net, fullgraph=True, backend="eager")
    torch.testing.assert_close(whole(x, i), net(x, i))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_size": 28, "channel_mults": (1, 1, 1, 1)}, "28 -> 14 -> 7 -> 3.5"),
        ({"image_size": 7}, "7 pixels cannot be halved 1 times"),
        ({"groups": 32}, "32 groups do not divide the channels 16, 32"),
        ({"groups": 0}, "0 groups"),
        ({"heads": 3}, "3 heads do not divide the channels 32"),
        ({"attention_resolutions": (16,)}, "attention resolution 16"),
        ({"attention_resolutions": (4, 2)}, "the sizes of this net are 8, 4"),
        ({"channels": 15, "groups": 5}, "15 channels"),
    ],
)
def test_refuses_shapes_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InfeasibleConfig) as error:
        UNet(**{**SMALL, **changes})
    assert message in str(error.value)
    assert error.value.next


def test_28_pixels_halve_twice() -> None:
    net = small_net(image_size=28, channel_mults=(1, 2, 2), attention_resolutions=(7,))
    out, bottleneck = net.forward_features(torch.zeros(1, 1, 28, 28), torch.zeros(1))
    assert out.shape == (1, 1, 28, 28)
    assert bottleneck.shape == (1, 32, 7, 7)


def test_learned_variance_doubles_the_output_channels() -> None:
    net = small_net(out_channels=2)
    assert net(torch.zeros(1, 1, 8, 8), torch.zeros(1)).shape == (1, 2, 8, 8)


@pytest.mark.parametrize("preset", ["ho_cifar10", "unet_28", "unet_8"])
def test_weights_are_counted_without_building_the_net(preset: str) -> None:
    """`plan` refuses a net that no database and no device holds before torch tries to."""
    net = {name: value for name, value in NET_PRESETS[preset].items() if name != "kind"}
    shape = {name: net[name] for name in ("channels", "channel_mults", "attention_resolutions", "heads", "groups")}
    size = {"ho_cifar10": 32, "unet_28": 28, "unet_8": 8}[preset]
    with torch.device("meta"):
        built = UNet(image_channels=3, image_size=size, **net)
    whole = sum(parameter.numel() for parameter in built.parameters())
    counted = unet_weights(unet_levels(image_size=size, **shape), net["res_blocks"])
    assert 0.8 * whole < counted < whole
