"""Any setting that a plan lets through has finite losses and gradients; property tests over the registries."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.config.run import Setting
from sweep.data.dataset import Dataset
from sweep.diffusion.losses import LOSSES
from sweep.diffusion.schedules import BETA_SCHEDULES
from sweep.diffusion.targets import TARGETS
from sweep.diffusion.weighting import WEIGHTINGS
from sweep.errors import InfeasibleConfig
from sweep.planning.feasibility import check_training
from sweep.training.batch import Batch, draw_batch
from sweep.training.initial_net import build_net
from sweep.training.objective import Objective
from tests.helpers.tiny_training import cost_of

MLP = {"kind": "mlp", "width": 16, "depth": 1}
UNET = {
    "kind": "unet",
    "channels": 4,
    "channel_mults": (1, 1),
    "res_blocks": 1,
    "attention_resolutions": (),
    "groups": 2,
    "dropout": 0.1,
}
SETTINGS = st.fixed_dictionaries(
    {
        "net": st.sampled_from([MLP, MLP, UNET]),
        "T": st.one_of(st.integers(1, 30), st.integers(1, 4000)),
        "schedule": st.sampled_from(sorted(BETA_SCHEDULES)),
        "zero_terminal_snr": st.booleans(),
        "target": st.sampled_from(sorted(TARGETS)),
        "weighting": st.sampled_from(sorted(WEIGHTINGS)),
        "weight_clip": st.sampled_from([None, [0, 1], [0, 5]]),
        "loss": st.sampled_from(sorted(LOSSES)),
        "beta_T": st.sampled_from([0.02, 0.1, 0.5]),
        "objective": st.sampled_from(["simple", "simple", "hybrid", "vlb"]),
        "perceptual_weight": st.sampled_from([0.0, 0.1]),
        "precision": st.sampled_from(["fp32", "bf16"]),
    }
)


def refused_with_a_way_out(config: Setting) -> bool:
    try:
        check_training(config)
    except InfeasibleConfig as refusal:
        return bool(refusal.next)
    return False


@settings(max_examples=400)
@given(fields=SETTINGS)
def test_loss_and_gradients_are_finite_or_the_plan_refuses_with_the_reason(
    fields: dict[str, object], digits: Dataset
) -> None:
    if fields["objective"] == "hybrid":
        fields = fields | {"learned_variance": True}
    if fields["objective"] == "vlb":
        fields = fields | {"loss": "mse", "weighting": "simple", "weight_clip": None}
        fields = fields | {"learned_variance": fields["precision"] == "bf16"}
    config = Setting.model_validate({"batch": 5, "images": 5} | fields)
    if refused_with_a_way_out(config):
        return
    T = config.T
    drawn = draw_batch(digits.train, 1, config, 0)
    ends = Batch(drawn.x0, torch.tensor([0, min(1, T - 1), T // 2, max(T - 2, 0), T - 1]), drawn.noise)
    net = build_net(config, channels=1, size=8)
    loss = cost_of(Objective.of(config, torch.device("cpu")), net, ends).loss
    loss.sum().backward()
    assert loss.isfinite().all(), fields
    norm = torch.nn.utils.get_total_norm([p.grad for p in net.parameters() if p.grad is not None])
    assert norm.isfinite(), fields


@pytest.mark.parametrize("weighting", ["snr_plus_one", "truncated_snr"])
def test_weights_that_float32_holds_and_whose_squares_it_does_not_are_refused(weighting: str) -> None:
    """1 / alphas_bar_T = 0.9^-832 = 1e38 on epsilon: the loss was finite and the norm of its gradient was not."""
    chain = {"T": 832, "schedule": "constant", "beta_T": 0.1}
    config = Setting.model_validate({"net": "mlp", **chain, "weighting": weighting})
    with pytest.raises(InfeasibleConfig, match="is inf at t"):
        check_training(config)
