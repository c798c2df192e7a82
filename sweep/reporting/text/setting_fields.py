"""Groups of settings that texts of a report distinguish."""

from __future__ import annotations

# Fields of a training that change its loss.
LOSS_FIELDS = frozenset(
    [
        "T",
        "schedule",
        "beta_1",
        "beta_T",
        "schedule_formula",
        "schedule_betas",
        "zero_terminal_snr",
        "target",
        "loss",
        "loss_delta",
        "weighting",
        "weight_clip",
        "gamma",
        "p2_gamma",
        "p2_k",
        "objective",
        "vlb_weight",
        "t_sampling",
        "contrastive_weight",
        "contrastive_temperature",
        "dispersive_weight",
        "dispersive_tau",
        "perceptual_weight",
        "loss_term",
    ]
)
# Settings that the sentences name, each at its place; others are listed behind them where they are not the default.
TRAINING_FIELDS = frozenset(
    [
        "data",
        "net",
        "T",
        "schedule",
        "target",
        "weighting",
        "objective",
        "vlb_weight",
        "images",
        "batch",
        "optimizer",
        "lr",
        "lr_schedule",
        "precision",
    ]
)
SCORING_FIELDS = frozenset(
    [
        "sampler",
        "sampling_steps",
        "ema_decay",
        "ema_start",
        "ema_std",
        "bits_per_dim",
        "fid_test",
        "neighbours",
        "partial_noising",
        "extra_metrics",
    ]
)
PRECISIONS = {
    "tf32": "fp32 with TF32 products inside the net",
    "bf16": "bf16 autocast around the net",
}
"""Precisions in words, where the name alone does not say what they are."""
