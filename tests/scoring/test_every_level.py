"""Every entry of every registry, through the code that a study runs: planned, trained on digits, sampled, measured."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.config.factors import levels_of
from sweep.config.run import Setting
from sweep.config.study import Study, load_study
from sweep.data.dataset import Dataset
from sweep.diffusion.coefficients import SAMPLERS
from sweep.diffusion.losses import LOSSES
from sweep.diffusion.process import REVERSE_VARIANCES, Diffusion
from sweep.diffusion.reverse import X0_CLIPS
from sweep.diffusion.schedules import BETA_SCHEDULES
from sweep.diffusion.spacing import SPACINGS
from sweep.diffusion.targets import TARGETS
from sweep.diffusion.weighting import WEIGHTINGS
from sweep.errors import InfeasibleConfig
from sweep.nets.registry import NETS
from sweep.scoring.further import FURTHER, Subject, measure_further
from sweep.scoring.generate import generate, sampling_plan
from sweep.scoring.score import score_images
from sweep.scoring.yardstick import Yardstick
from sweep.search.cells import cells_of
from sweep.search.designs import arms_of
from sweep.search.feasibility import check_training
from sweep.store.records import NewCell, NewReading
from sweep.training import checkpoint
from sweep.training.batch import Batch, draw_batch
from sweep.training.chain import betas_of
from sweep.training.checkpoint import CheckpointRef
from sweep.training.ema import EMA_STARTS
from sweep.training.loop import train
from sweep.training.lr_schedules import LR_SCHEDULES
from sweep.training.objective import OBJECTIVES, Objective, build_net
from sweep.training.optimizers import OPTIMIZERS
from sweep.training.progress import Place
from sweep.training.terms import TERMS

GOLDEN = Path(__file__).parents[1] / "golden"
REGISTRIES = {
    "schedule": BETA_SCHEDULES, "target": TARGETS, "loss": LOSSES, "weighting": WEIGHTINGS, "optimizer": OPTIMIZERS,
    "lr_schedule": LR_SCHEDULES, "sampler": SAMPLERS, "spacing": SPACINGS, "x0_clip": X0_CLIPS,
    "ema_start": EMA_STARTS,
}  # fmt: skip


def completed(path: Path) -> Study:
    """The study of a file, with every entry of a registry that it does not name: what is new needs no edit there."""
    written = load_study(path)
    told = written.model_dump()
    for name in written.factors.keys() & REGISTRIES.keys():
        levels = dict(levels_of(name, written.factors[name]))
        named = {changes.get(name) for changes in levels.values()} | {getattr(written.baseline, name)}
        levels |= {entry: {name: entry} for entry in REGISTRIES[name] if entry not in named}
        told["factors"][name]["levels"] = levels
    return Study.model_validate(told)


TRAINING = completed(GOLDEN / "every_training.yaml")
EVALUATION = completed(GOLDEN / "every_evaluation.yaml")
ARMS = {arm.name: arm for arm in arms_of(TRAINING)}


def cell_of(study: Study, arm: str = "baseline") -> NewCell:
    (cell,) = cells_of(study, next(a for a in arms_of(study) if a.name == arm), phase="confirm")
    return cell


READINGS = {str(reading.level): reading for reading in cell_of(EVALUATION).readings}


def test_the_two_studies_name_every_entry_of_every_registry() -> None:
    trained = [TRAINING.setting(arm.changes) for arm in ARMS.values()]
    read = [reading.eval_config for reading in READINGS.values()]
    for field, registry in {
        "schedule": {*BETA_SCHEDULES, "custom"}, "target": TARGETS, "loss": LOSSES, "weighting": WEIGHTINGS,
        "objective": OBJECTIVES, "optimizer": OPTIMIZERS, "lr_schedule": LR_SCHEDULES,
    }.items():  # fmt: skip
        assert {getattr(setting, field) for setting in trained} == set(registry), field
    assert {setting.net.kind for setting in trained} == set(NETS)
    assert {name for name in TERMS if any(TERMS[name].weight(setting) for setting in trained)} == set(TERMS)
    for field, known in {
        "sampler": SAMPLERS, "spacing": SPACINGS, "variance": REVERSE_VARIANCES, "x0_clip": X0_CLIPS,
        "ema_start": EMA_STARTS,
    }.items():  # fmt: skip
        assert {getattr(config, field) for config in read} == set(known), field
    assert {name for name, (asked, _) in FURTHER.items() if any(map(asked, read))} == set(FURTHER)


def images_of(cell: NewCell, reading: NewReading, ref: CheckpointRef, n: int) -> tuple[torch.nn.Module, torch.Tensor]:
    config, evaluation = cell.train_config, reading.eval_config
    net = build_net(config, channels=1, size=8)
    if evaluation.ema_std is not None:
        net.load_state_dict(checkpoint.load_power_weights(ref.path, ref.sha256, std=evaluation.ema_std))
    else:
        decay, start = evaluation.ema_decay, evaluation.ema_start
        net.load_state_dict(checkpoint.load_weights(ref.path, ref.sha256, decay=decay, start=start))
    plan = sampling_plan(evaluation, config.target)
    diffusion = Diffusion.from_betas(betas_of(config))
    return net, generate(net, diffusion, plan, shape=(1, 8, 8), n=n, noise_set=0, batch=n, precision=config.precision)


@pytest.mark.parametrize("arm", ARMS)
def test_every_training_level_trains_and_is_sampled(arm: str, digits: Dataset, tmp_path: Path) -> None:
    cell = cell_of(TRAINING, arm)
    result = train(cell.train_config, digits, Place(folder=tmp_path, token=1))
    assert result.step == 3
    _, images = images_of(cell, cell.readings[0], result.weights, 4)
    assert images.shape == (4, 1, 8, 8)
    assert images.float().std() > 0


@pytest.fixture(scope="module")
def trained(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[NewCell, CheckpointRef]:
    cell = cell_of(EVALUATION)
    return cell, train(cell.train_config, digits, Place(folder=tmp_path_factory.mktemp("run"), token=1)).weights


@pytest.mark.parametrize("level", READINGS)
def test_every_evaluation_level_is_read_off_one_checkpoint(
    level: str, digits: Dataset, trained: tuple[NewCell, CheckpointRef], yardstick: Yardstick, extractors: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    cell, ref = trained
    reading = READINGS[level]
    asked = [name for name, (ask, _) in FURTHER.items() if ask(reading.eval_config)]
    net, images = images_of(cell, reading, ref, yardstick.protocol.n if "fid_test" in asked else 4)
    assert images.float().std() > 0
    scored = (score_images(images, yardstick, noise_set=0, folder=tmp_path),) if "fid_test" in asked else ()
    further = measure_further(
        Subject(
            net=net, diffusion=Diffusion.from_betas(betas_of(cell.train_config)), config=reading.eval_config,
            target=cell.train_config.target, yardstick=yardstick, dataset=digits, scored=scored, folder=tmp_path,
            references=extractors,
        )
    )  # fmt: skip
    assert bool(further.numbers) == bool(asked)
    assert all(math.isfinite(found.value) for found in further.numbers)


SETTINGS = st.fixed_dictionaries(
    {
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


@settings(max_examples=400, deadline=None, derandomize=True)
@given(fields=SETTINGS)
def test_loss_and_gradients_are_finite_or_the_plan_refuses_with_the_reason(
    fields: dict[str, object], digits: Dataset
) -> None:
    if fields["objective"] == "hybrid":
        fields = fields | {"learned_variance": True}
    if fields["objective"] == "vlb":
        fields = fields | {"loss": "mse", "weighting": "simple", "weight_clip": None}
        fields = fields | {"learned_variance": fields["precision"] == "bf16"}
    tiny_mlp = {"kind": "mlp", "width": 16, "depth": 1}
    config = Setting.model_validate({"net": tiny_mlp, "batch": 5, "images": 5} | fields)
    if refused_with_a_way_out(config):
        return
    T = config.T
    drawn = draw_batch(digits.train, 1, config, 0)
    ends = Batch(drawn.x0, torch.tensor([0, min(1, T - 1), T // 2, max(T - 2, 0), T - 1]), drawn.noise)
    net = build_net(config, channels=1, size=8)
    loss = Objective.of(config, torch.device("cpu")).loss(net, ends)
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
