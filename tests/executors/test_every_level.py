"""Every entry of every registry, by `sweep launch` of two studies: planned, trained on digits, sampled, measured."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from sweep.config.factors import levels_of
from sweep.config.net import MLPConfig, UNetConfig
from sweep.config.study import Study
from sweep.config.study_file import load_study
from sweep.diffusion.coefficients import SAMPLERS
from sweep.diffusion.losses import LOSSES
from sweep.diffusion.process import REVERSE_VARIANCES
from sweep.diffusion.reverse import X0_CLIPS
from sweep.diffusion.schedules import BETA_SCHEDULES
from sweep.diffusion.spacing import SPACINGS
from sweep.diffusion.targets import TARGETS
from sweep.diffusion.weighting import WEIGHTINGS
from sweep.nets.registry import NETS
from sweep.planning.arms import arms_of
from sweep.planning.cells import cells_of
from sweep.scoring.extra_metrics import EXTRA_METRICS
from sweep.scoring.metrics import USUAL_METRICS
from sweep.store import cells, open_store, study
from sweep.store.cell_records import CellRecord, ScoreRecord
from sweep.store.records import NewCell
from sweep.training.auxiliary_losses import TERMS
from sweep.training.ema import EMA_STARTS
from sweep.training.lr_schedules import LR_SCHEDULES
from sweep.training.objective import OBJECTIVES
from sweep.training.optimizers import OPTIMIZERS
from tests.helpers.typed_commands import Command

GOLDEN = Path(__file__).parents[1] / "golden"
REGISTRIES = {
    "schedule": BETA_SCHEDULES,
    "target": TARGETS,
    "loss": LOSSES,
    "weighting": WEIGHTINGS,
    "optimizer": OPTIMIZERS,
    "lr_schedule": LR_SCHEDULES,
    "sampler": SAMPLERS,
    "spacing": SPACINGS,
    "x0_clip": X0_CLIPS,
    "ema_start": EMA_STARTS,
}


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


READINGS = {str(request.level): request for request in cell_of(EVALUATION).score_requests}


def test_the_two_studies_name_every_entry_of_every_registry() -> None:
    trained = [TRAINING.setting(arm.changes) for arm in ARMS.values()]
    read = [request.eval_config for request in READINGS.values()]
    for field, registry in {
        "schedule": {*BETA_SCHEDULES, "custom"},
        "target": TARGETS,
        "loss": LOSSES,
        "weighting": WEIGHTINGS,
        "objective": OBJECTIVES,
        "optimizer": OPTIMIZERS,
        "lr_schedule": LR_SCHEDULES,
    }.items():
        assert {getattr(setting, field) for setting in trained} == set(registry), field
    assert {setting.net.kind for setting in trained} == set(NETS) - {"own"}, "the net of a plugin has tests of its own"
    for kind, sizes in {"unet": UNetConfig, "mlp": MLPConfig}.items():
        nets = [setting.net for setting in trained if setting.net.kind == kind]
        for size in sizes.model_fields.keys() - {"kind"}:
            assert len({getattr(net, size) for net in nets}) > 1, (kind, size)
    assert {name for name in TERMS if any(TERMS[name].weight(setting) for setting in trained)} == set(TERMS)
    for field, known in {
        "sampler": SAMPLERS,
        "spacing": SPACINGS,
        "variance": REVERSE_VARIANCES,
        "x0_clip": X0_CLIPS,
        "ema_start": EMA_STARTS,
    }.items():
        assert {getattr(config, field) for config in read} == set(known), field
    assert {name for name, metric in EXTRA_METRICS.items() if any(map(metric.is_requested, read))} == set(EXTRA_METRICS)


# One launch of all arms serves every test, and the first of them waits for it.
pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]

Launched = dict[str, tuple[CellRecord, ...]]


@pytest.fixture(scope="module")
def launched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Launched:
    """Cells of the two studies, by name, after `sweep launch` of each in one store, by one worker on one core.

    Of the arms, those that this session asks for: all of them, unless tests are named.
    """
    folder = tmp_path_factory.mktemp("every")
    here = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    asked = {value for item in here for value in item.callspec.params.values()}
    told = TRAINING.model_dump(mode="json")
    for name in TRAINING.factors:
        levels = {label: changes for label, changes in TRAINING.levels_of(name).items() if f"{name}={label}" in asked}
        told["factors"][name]["levels"] = levels
    told["factors"] = {name: factor for name, factor in told["factors"].items() if factor["levels"]}
    wanted = [told] if told["factors"] else []
    wanted += [EVALUATION.model_dump(mode="json")] if asked & READINGS.keys() else []
    return {written["name"]: _launched(written, folder) for written in wanted}


def _launched(written: dict[str, Any], folder: Path) -> tuple[CellRecord, ...]:
    file, database = folder / f"{written['name']}.yaml", folder / "store.db"
    file.write_text(yaml.safe_dump(written))
    launch = Command(database, folder / "files", file).launch()
    shown, said = launch.communicate()
    assert launch.returncode == 0, shown + said
    store = open_store(f"sqlite:///{database}")
    found = cells(store, study(store, written["name"]).id)
    store.close()
    return found


def measured(score: ScoreRecord) -> set[str]:
    """What was measured; all of it is finite."""
    assert score.state == "complete", (score.failure, score.failure_reason)
    assert all(math.isfinite(found.value) for found in score.measurements)
    return {found.name for found in score.measurements}


@pytest.mark.parametrize("arm", [name for name in ARMS if name != "baseline"])
def test_every_training_level_trains_and_is_scored(arm: str, launched: Launched) -> None:
    (cell,) = [cell for cell in launched["every-training"] if cell.arm_name == arm]
    assert (cell.run_state, cell.step) == ("trained", 3), cell.failure_reason
    (score,) = cell.scores
    assert "fid" in measured(score)


@pytest.mark.parametrize("level", READINGS)
def test_every_evaluation_level_is_read_off_one_checkpoint(level: str, launched: Launched) -> None:
    (cell,) = launched["every-evaluation"]
    (score,) = [score for score in cell.scores if dict(score.level) == dict(READINGS[level].level)]
    asked = any(metric.is_requested(READINGS[level].eval_config) for metric in EXTRA_METRICS.values())
    assert bool(measured(score) - set(USUAL_METRICS)) == asked
