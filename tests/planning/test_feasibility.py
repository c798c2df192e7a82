"""Pairs that make no sense are refused at plan, with the reason and the way out."""

from __future__ import annotations

import pytest

from sweep.config.run import Setting
from sweep.errors import InfeasibleConfig
from sweep.planning.feasibility import check_setting


def setting(**fields: object) -> Setting:
    return Setting.model_validate({"data": "digits", "net": "unet_8", "sampling_steps": 1} | fields)


REFUSED = {
    "epsilon at alphas_bar_T = 0": ({"schedule": "jsd"}, "alphas_bar_"),
    "epsilon after zero-terminal rescaling": ({"zero_terminal_snr": True}, "alphas_bar_"),
    "linear_scaled at T = 20": ({"T": 20}, "linear_scaled"),
    "linear_scaled at T = 10": ({"T": 10}, "linear_scaled"),
    "unclipped variational weight": ({"weighting": "vlb"}, "t = 1"),
    "more sampling steps than T": ({"T": 100, "sampling_steps": 101}, "101"),
    "more strata than t": ({"T": 100, "bits_per_dim": 101}, "101 strata"),
    "partial noising beyond T": ({"T": 100, "partial_noising": [50, 101]}, "t = 101"),
    "a variance that the net does not state": ({"variance": "learned_range"}, "learned_range"),
    "a variance that nothing trains": ({"learned_variance": True}, "objective: simple"),
    "importance without the bound": ({"t_sampling": "importance"}, "importance"),
    "an average without snapshots": ({"ema_std": 0.07}, "without power_ema"),
    "an average narrower than its snapshots": ({"ema_std": 0.01, "power_ema": [0.05, 0.1]}, "cannot be made"),
    "a formula that is none": ({"schedule": "custom", "schedule_formula": "import os"}, "not a formula"),
    "groups that divide no width": ({"net": {"preset": "unet_8", "channels": 10}}, "8 groups do not divide"),
    "heads that divide no width": ({"net": {"preset": "unet_8", "heads": 5}}, "5 heads do not divide"),
    "a net deeper than its images": ({"net": {"preset": "unet_8", "channel_mults": [1] * 5}}, "cannot be halved"),
    "a net of other images": ({"net": "ho_cifar10"}, "attention resolution 16"),
    "a net for a folder's size": (
        {"net": "unet_28", "data": {"name": "image_folder", "path": "x", "size": 30}},
        "images of 30 pixels cannot be halved 2 times",
    ),
    "label dropout without classes": ({"label_dropout": 0.1}, "nothing to drop"),
    "guidance without classes": ({"guidance_scale": 2.0}, "conditional: true"),
    "guidance that never saw no class": ({"guidance_scale": 2.0, "conditional": True}, "label_dropout: 0.1"),
    "autoguidance without snapshots": (
        {"guidance_scale": 2.0, "guidance_kind": "autoguidance"},
        "power_ema",
    ),
    "autoguidance before the first snapshot": (
        {"guidance_scale": 2.0, "guidance_kind": "autoguidance", "guidance_at": 0.01, "power_ema": [0.05]},
        "before the first snapshot",
    ),
    "a score before the first step": ({"training_share": 1e-6}, "before the first step"),
    "an average of no snapshot so early": (
        {"training_share": 0.01, "power_ema": [0.05, 0.1], "ema_std": 0.1},
        "can stand for none",
    ),
    "a custom schedule that is not written": ({"schedule": "custom"}, "schedule_formula"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    fields, says = REFUSED[case]
    with pytest.raises(InfeasibleConfig) as caught:
        check_setting(setting(**fields), name="x")
    assert "arm `x`" in caught.value.what
    assert says in str(caught.value)
    assert caught.value.why
    assert caught.value.next


@pytest.mark.parametrize(
    "fields",
    [
        {"schedule": "jsd", "target": "v"},
        {"zero_terminal_snr": True, "target": "x0", "weighting": "uniform"},
        {"weighting": "vlb", "weight_clip": [0, 1]},
        {"weighting": "vlb", "weight_clip": [0, 3]},
        {"weighting": "vlb_log_clipped"},
        {"T": 4000, "schedule": "cosine"},
        {"T": 50, "schedule": "linear"},
        {"objective": "hybrid", "learned_variance": True, "variance": "learned_range"},
        {"objective": "vlb", "learned_variance": True, "t_sampling": "importance"},
        {"ema_std": 0.07, "power_ema": [0.05, 0.1]},
        {"schedule": "custom", "schedule_formula": "cos(u*pi/2)**2 + 1e-6"},
    ],
)
def test_allowed(fields):
    check_setting(setting(**fields), name="x")


def test_facts_are_those_of_the_published_table():
    """alphas_bar_T of linear betas at T = 1000: 4.0358e-05 (Ho et al. 2020, section 4; float64 product)."""
    facts = check_setting(setting(T=1000, schedule="linear"), name="x")
    assert facts.alphas_bar_T == pytest.approx(4.035829765375676e-05, rel=1e-12)
    assert facts.snr_1 == pytest.approx(9999, rel=1e-6)
