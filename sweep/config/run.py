"""What a run and a score are: the values that change numbers, and nothing else.

A run is one training, described whole by a `TrainConfig`. A score is one evaluation of a run, described whole by an
`EvalConfig` and a `Protocol`. Placement, paths, cadence and retention change no number and live elsewhere.

A name or a default that has reached a store never changes its meaning: add a new one instead. Keys (see `keys.py`)
leave out values equal to the default, so a new field with a default leaves every old key as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from sweep.config.conditioning import LabelSettings
from sweep.config.data import DataConfig, DataField
from sweep.config.earlier_weights import CheckpointSettings, EarlierWeights, EarlierWeightsField
from sweep.config.given import GivenArm, GivenRun
from sweep.config.net import NetField, UNetConfig
from sweep.config.own_part import NamedOrOwn, OwnPart, OwnParts
from sweep.config.part_names import (
    Clipping,
    EmaStart,
    Loss,
    LossTerm,
    LrSchedule,
    ObjectiveKind,
    Optimizer,
    Precision,
    ReverseVariance,
    Sampler,
    Schedule,
    Spacing,
    Target,
    TSampling,
    Weighting,
)
from sweep.config.resolved_parts import with_own_parts
from sweep.config.starting_weights import StartingWeightsField
from sweep.config.values import AtLeastOne, Count, Decay, Frozen, NotNegative, Positive, Text, Width
from sweep.limits import (
    MAX_AVERAGES,
    MAX_BATCH,
    MAX_IMAGES,
    MAX_LEVELS,
    MAX_NOISED_TIMES,
    MAX_SNAPSHOTS,
    MAX_STEPS,
    MAX_T,
)

NoiseSharing = Literal["shared", "per_seed"]


class TrainSettings(LabelSettings):
    """Everything that a training depends on, but for its seed and the EMA decays it keeps."""

    data: DataField = DataConfig()
    net: NetField = UNetConfig()
    init_from: StartingWeightsField | None = Field(
        None, exclude_if=lambda weights: weights is None, description="Weights to begin with, for fine-tuning."
    )
    T: int = Field(1000, ge=1, le=MAX_T, description="Length of the training chain.")
    schedule: NamedOrOwn[Schedule] = Field("linear_scaled", description="Schedule of betas.")
    beta_1: Positive = Field(1e-4, lt=1.0, description="First beta, where the schedule has one.")
    beta_T: Positive = Field(0.02, lt=1.0, description="Last beta, where the schedule has one.")
    schedule_formula: Text | None = Field(None, description="Of custom: alphas_bar in u = t/T, e.g. cos(u*pi/2)**2.")
    schedule_betas: tuple[float, ...] | None = Field(None, max_length=MAX_T, description="Of custom: the T betas.")
    zero_terminal_snr: bool = Field(False, description="Rescale to alphas_bar_T = 0 (Lin et al. 2023).")
    target: NamedOrOwn[Target] = Field("epsilon", description="What the net predicts.")
    loss: NamedOrOwn[Loss] = Field("mse", description="Elementwise loss between prediction and target.")
    loss_delta: Positive = Field(1.0, description="Scale of huber and pseudo_huber.")
    weighting: NamedOrOwn[Weighting] = Field("simple", description="Weight of the loss over t.")
    weight_clip: tuple[float, float] | None = Field(None, description="Bounds put on the weights, e.g. [0, 1].")
    gamma: Positive = Field(5.0, description="Of min_snr.")
    p2_gamma: NotNegative = Field(1.0, description="Exponent of p2 (Choi et al. 2022); 0.5 and 1 are in the paper.")
    p2_k: Positive = Field(1.0, description="Added to the SNR by p2.")
    objective: NamedOrOwn[ObjectiveKind] = Field(
        "simple", description="simple: the weighted loss. vlb: the bound. hybrid: both."
    )
    vlb_weight: Positive = Field(0.001, description="Lambda of the hybrid objective (Nichol & Dhariwal 2021, eq. 16).")
    learned_variance: bool = Field(False, description="Twice the output channels: the net states its reverse variance.")
    t_sampling: TSampling = Field("uniform", description="importance: of the bound (Nichol & Dhariwal 2021, eq. 18).")
    contrastive_weight: NotNegative = Field(0.0, description="Of InfoNCE between two noisings of each image.")
    contrastive_temperature: Positive = Field(0.1, description="Of the cosine similarities in InfoNCE.")
    dispersive_weight: NotNegative = Field(0.0, description="Of the dispersive loss (Wang & He 2025).")
    dispersive_tau: Positive = Field(0.5, description="Temperature of the dispersive loss.")
    perceptual_weight: NotNegative = Field(0.0, description="Of the distance of the predicted x0 in random features.")
    loss_term: NamedOrOwn[LossTerm] = Field(
        "none", exclude_if=lambda term: term == "none", description="Additional term of the loss, of a plugin."
    )
    optimizer: NamedOrOwn[Optimizer] = "adam"
    lr: Positive = Field(2e-4, lt=10.0, description="Learning rate.")
    betas: tuple[float, float] = Field((0.9, 0.999), description="Moment decays of the optimizer.")
    eps: Positive = Field(1e-8, description="Added to the optimizer's denominator.")
    weight_decay: float = Field(0.0, ge=0.0)
    lr_schedule: NamedOrOwn[LrSchedule] = "constant"
    warmup_images: Count = Field(0, ge=0, le=MAX_IMAGES, description="Images over which lr grows linearly from 0.")
    grad_clip: Positive | None = Field(1.0, description="Largest global gradient norm; null for none.")
    batch: int = Field(128, ge=1, le=MAX_BATCH, description="Images of one optimizer step.")
    images: Count = Field(1_000_000, ge=1, le=MAX_IMAGES, description="Images seen in all: the budget of one training.")
    flip: bool = Field(False, description="Mirror images at random; never for digits and letters.")
    precision: Precision = Field("fp32", description="bf16: autocast around the net only; tf32: on GPUs.")
    power_ema: tuple[Width, ...] = Field(
        (), max_length=MAX_AVERAGES, description="Power-function averages kept for ema_std, e.g. [0.05, 0.1]."
    )
    power_ema_snapshots: int = Field(16, ge=1, le=256, description="Of each power-function average, evenly spaced.")

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> TrainSettings:
        if self.weight_clip is not None and not 0.0 <= self.weight_clip[0] < self.weight_clip[1]:
            raise ValueError(f"weight_clip {list(self.weight_clip)} must be [low, high] with 0 <= low < high")
        if not all(0.0 <= beta < 1.0 for beta in self.betas):
            raise ValueError(f"betas {list(self.betas)} must lie in [0, 1)")
        if self.images < self.batch:
            raise ValueError(f"images = {self.images} is less than one batch of {self.batch}")
        if self.steps > MAX_STEPS:
            raise ValueError(f"images / batch = {self.steps:,} optimizer steps; {MAX_STEPS:,} are the most")
        if (snapshots := len(self.power_ema) * self.power_ema_snapshots) > MAX_SNAPSHOTS:
            raise ValueError(f"power_ema x power_ema_snapshots = {snapshots:,} snapshots; {MAX_SNAPSHOTS} are the most")
        return self

    @property
    def steps(self) -> int:
        """Optimizer steps; the last images that do not fill a batch are not seen. None where an item is given."""
        return 0 if getattr(self, "given", None) is not None else self.images // self.batch


class TrainConfig(TrainSettings):
    """One training. Two equal configs are the same run and are never trained twice in a store."""

    ema_decays: tuple[Decay, ...] = Field((), description="EMA decays tracked, ascending; raw weights are always kept.")
    ema_starts: tuple[tuple[EmaStart, Decay], ...] = Field((), description="Averages tracked that start otherwise.")
    earlier_weights: EarlierWeightsField = ()
    given: GivenRun = None
    seed: int = Field(0, ge=0, lt=2**63, description="Of initialisation, data order, flips, t, noise and dropout.")


class EvalConfig(CheckpointSettings):
    """How images are drawn from a trained run."""

    ema_decay: Decay = Field(0.999, description="Which average of the weights; 0 means the raw weights.")
    ema_start: EmaStart = Field("corrected", description="How that average starts: bias correction, or a warm-up.")
    ema_std: Width | None = Field(None, description="Width of an average made after training, in place of ema_decay.")
    sampler: NamedOrOwn[Sampler] = Field("ddim", description="Reverse process.")
    sampling_steps: int = Field(50, ge=1, le=MAX_T, description="Steps of the reverse process.")
    spacing: NamedOrOwn[Spacing] = Field("trailing", description="Which t the sampling steps visit.")
    eta: float = Field(0.0, ge=0.0, le=1.0, description="Of ddim: 0 deterministic, 1 ancestral.")
    variance: ReverseVariance = Field("fixed_small", description="Of the ancestral sampler.")
    x0_clip: Clipping = Field("static", description="Clipping of the predicted x0 at every step.")
    bits_per_dim: int | None = Field(
        None, ge=2, le=MAX_T, description="Also the likelihood bound, from so many t each."
    )
    fid_test: bool = Field(False, description="Also the distance to the test split.")
    neighbours: int = Field(0, ge=0, le=100_000, description="Also the nearest training images of so many samples.")
    extra_metrics: SkipJsonSchema[tuple[OwnPart, ...]] = Field(
        (), exclude_if=lambda metrics: not metrics, max_length=MAX_LEVELS, description="Also metrics of plugins."
    )
    partial_noising: tuple[AtLeastOne, ...] = Field(
        (), max_length=MAX_NOISED_TIMES, description="Also test images noised to these t and denoised, e.g. [100, 300]."
    )


class Protocol(Frozen):
    """What makes two scores comparable. Scores of different protocols never meet in one table."""

    extractor: str = Field(description="Name of the feature extractor.")
    extractor_sha256: str = Field(description="Of its weights file; of one of a plugin, of its source and settings.")
    extractor_part: SkipJsonSchema[OwnPart | None] = Field(
        None, exclude_if=lambda part: part is None, description="Feature extractor of a plugin."
    )
    reference: Literal["train", "test"] = Field("train", description="Split that samples are compared with.")
    reference_sha256: str = Field(description="Of the reference images.")
    n: int = Field(ge=2, description="Generated images for each noise set.")
    noise_sets: tuple[int, ...] = Field((0,), min_length=1, description="Each gives every sample its own noise.")
    # The default is what version 0.1.0 did. It is in no dump, so that the keys of its scores stay as they were.
    noise: NoiseSharing = Field(
        "shared",
        exclude_if=lambda noise: noise == "shared",
        description="shared: all runs have the same noise sets. per_seed: those of one training seed have.",
    )

    def noise_stream(self, noise_set: int, *, seed: int) -> int:
        """Number that names the random stream of a noise set, 0..2^64-1.

        Args:
            noise_set: One of `noise_sets`.
            seed: Seed of the training that is sampled.

        Returns:
            The noise set itself where it is shared by all runs; else the seed's lowest 32 bits above the noise set. So
            arms that are trained on one seed are sampled from the same noise, and no other seed has it.
        """
        return noise_set if self.noise == "shared" else (seed % 2**32) << 32 | noise_set

    @property
    def label(self) -> str:
        """Name of the distance: plain FID is only ever Inception's."""
        if self.extractor == "inception":
            return f"FID@{self.n}"
        kind = "FCD" if self.extractor_part is None else "FD"
        return f"{kind}-{self.extractor_sha256[:8]}@{self.n}"


class Setting(TrainSettings, EvalConfig):
    """One level of everything: what a baseline or an arm says, before seeds."""

    own_parts: SkipJsonSchema[OwnParts] = Field(
        {}, exclude_if=lambda parts: not parts, description="Parts of plugins that the other fields may name."
    )

    given: GivenArm = None

    @model_validator(mode="before")
    @classmethod
    def _finds_own_parts(cls, fields: object) -> object:
        return with_own_parts(fields) if isinstance(fields, Mapping) else fields

    def train_config(
        self,
        *,
        seed: int,
        ema_decays: tuple[float, ...],
        ema_starts: tuple[tuple[EmaStart, float], ...] = (),
        earlier: tuple[EarlierWeights, ...] = (),
    ) -> TrainConfig:
        """The training that this setting asks for.

        Args:
            seed: Seed of initial weights, batches and noise.
            ema_decays: Decays of the averages that the training keeps.
            ema_starts: Kinds and widths of averages that are built after the training.
            earlier: Averages that the training also keeps as they were earlier.
        """
        fields = {name: getattr(self, name) for name in TrainSettings.model_fields}
        decays = tuple(sorted({decay for decay in ema_decays if decay > 0.0}))
        starts = tuple(sorted(set(ema_starts)))
        return TrainConfig(**fields, seed=seed, ema_decays=decays, ema_starts=starts, earlier_weights=earlier)

    def eval_config(self) -> EvalConfig:
        """The evaluation that this setting asks for."""
        return EvalConfig(**{name: getattr(self, name) for name in EvalConfig.model_fields})


TRAIN_FIELDS = frozenset(TrainSettings.model_fields)
EVAL_FIELDS = frozenset(EvalConfig.model_fields)
