"""The documentation is held to the code: the catalogue names what the registries hold, and the walk-through works."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

from sweep.config import part_names, run
from sweep.diffusion.chains import custom_schedule, zero_terminal
from sweep.diffusion.coefficients import SAMPLERS
from sweep.diffusion.guidance import guided_output, guided_times
from sweep.diffusion.losses import LOSSES
from sweep.diffusion.process import REVERSE_VARIANCES
from sweep.diffusion.reverse import X0_CLIPS
from sweep.diffusion.schedules import BETA_SCHEDULES
from sweep.diffusion.spacing import SPACINGS
from sweep.diffusion.targets import TARGETS
from sweep.diffusion.weighting import WEIGHTINGS
from sweep.nets.registry import NETS
from sweep.scoring.extra_metrics import EXTRA_METRICS
from sweep.scoring.features import EXTRACTORS
from sweep.scoring.measure import Measurements
from sweep.scoring.metrics import USUAL_METRICS
from sweep.training.auxiliary_losses import TERMS
from sweep.training.ema import EMA_STARTS, ConstantEMA
from sweep.training.lr_schedules import LR_SCHEDULES
from sweep.training.objective import OBJECTIVES
from sweep.training.optimizers import OPTIMIZERS
from sweep.training.power_ema import PowerEMA
from sweep.training.timesteps import ImportanceSampler, draw_uniform

ROOT = Path(__file__).parents[1]
CATALOGUE = ROOT / "sweep/docs/catalogue.md"


def attributes_of(kind: type, names: Iterable[str]) -> dict[str, str]:
    """The docstrings below the attributes of a dataclass, which Python itself does not keep."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body
    told = {
        field.target.id: doc.value.value
        for field, doc in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(doc, ast.Expr)
    }
    return {name: told[name] for name in names}


REGISTRIES: dict[str, Mapping[str, object]] = {
    "schedule": {**BETA_SCHEDULES, "custom": custom_schedule},
    "target": {name: target.regressed for name, target in TARGETS.items()},
    "loss": LOSSES,
    "weighting": WEIGHTINGS,
    "objective": OBJECTIVES,
    "t_sampling": {"uniform": draw_uniform, "importance": ImportanceSampler},
    "term": {name: term.value for name, term in TERMS.items()},
    "optimizer": OPTIMIZERS,
    "lr_schedule": LR_SCHEDULES,
    "net": {name: spec.module() for name, spec in NETS.items() if spec.module is not None},
    "sampler": SAMPLERS,
    "ema_start": EMA_STARTS,
    "spacing": SPACINGS,
    "variance": REVERSE_VARIANCES,
    "x0_clip": X0_CLIPS,
    "extra metric": {name: metric.measure for name, metric in EXTRA_METRICS.items()},
    "score": attributes_of(Measurements, USUAL_METRICS),
    "extractor": EXTRACTORS,
}
# Fields that are factors by themselves, and what they switch on.
MODIFIERS = {
    "zero_terminal_snr": zero_terminal,
    "ema_decay": ConstantEMA,
    "ema_std": PowerEMA,
    "guidance_scale": guided_output,
    "guidance_interval": guided_times,
}


def table() -> list[list[str]]:
    lines = [line for line in CATALOGUE.read_text().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_table_names_every_entry_of_every_registry_once() -> None:
    names = Counter(row[0] for row in table())
    expected = {f"{kind}: {name}" for kind, known in REGISTRIES.items() for name in known} | MODIFIERS.keys()
    assert set(names) == expected
    assert max(names.values()) == 1


def test_every_row_says_what_it_is_and_where_it_is_from() -> None:
    for row in table():
        assert len(row) == 3, row
        assert all(row), row


def test_every_docstring_says_what_it_computes_and_names_the_source_of_the_table() -> None:
    entries = {f"{kind}: {name}": entry for kind, known in REGISTRIES.items() for name, entry in known.items()}
    for name, _, source in table():
        entry = (entries | MODIFIERS)[name]
        told = " ".join((entry if isinstance(entry, str) else inspect.getdoc(entry) or "").split())
        what, _, named = told.rpartition("Source: ")
        assert named == f"{source}.", name
        assert len(what) > 10, name


def test_what_a_study_file_may_say_is_what_is_registered() -> None:
    for literal, kind in {
        part_names.Schedule: "schedule",
        part_names.Target: "target",
        part_names.Loss: "loss",
        part_names.Weighting: "weighting",
        part_names.ObjectiveKind: "objective",
        part_names.Optimizer: "optimizer",
        part_names.LrSchedule: "lr_schedule",
        part_names.Sampler: "sampler",
        part_names.Spacing: "spacing",
        part_names.ReverseVariance: "variance",
        part_names.Clipping: "x0_clip",
        part_names.TSampling: "t_sampling",
        part_names.EmaStart: "ema_start",
    }.items():
        assert set(get_args(literal)) == REGISTRIES[kind].keys(), kind
    fields = run.TrainSettings.model_fields | run.EvalConfig.model_fields
    assert MODIFIERS.keys() | REGISTRIES["extra metric"].keys() | {f"{term}_weight" for term in TERMS} <= set(fields)


def edited(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert text.count(before) == 1, (path, before)
    path.write_text(text.replace(before, after))


@pytest.mark.timeout(600)  # a project in the project, with a launch of its own
@pytest.mark.slow
def test_a_new_schedule_takes_the_four_edits_that_the_text_names(tmp_path: Path) -> None:
    """Done on a copy of the project, whose own tests then find the schedule, train it and sample it."""
    for folder in ("sweep", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    text = (ROOT / "sweep/docs/extending.md").read_text().split("## A new schedule in four edits")[1].split("\n## ")[0]
    assert [line[:2] for line in text.splitlines() if re.match(r"\d\. ", line)] == ["1.", "2.", "3.", "4."]
    code = "\n".join(line[7:] for line in text.splitlines() if line.startswith(" " * 7))
    function, registered = code.split("BETA_SCHEDULES = {..., ")

    schedules = tmp_path / "sweep/diffusion/schedules.py"
    registry = "BETA_SCHEDULES: dict[str, Callable[[int, float, float], Array]] = {\n"
    edited(schedules, registry, f"{function}\n{registry}    {registered.strip().rstrip('}')},\n")
    edited(tmp_path / "sweep/config/part_names.py", '    "custom",\n', '    "custom",\n    "cubic",\n')
    golden = tmp_path / "tests/golden/diffusion_schedules.json"
    # ((1e-4 ** (1/3) + 0.02 ** (1/3)) / 2) ** 3, by hand.
    row = {
        "schedule": "cubic",
        "T": 3,
        "t": 2,
        "quantity": "beta",
        "value": 0.00401428329037349,
        "rel": 1e-9,
        "source": "by hand",
    }
    golden.write_text(json.dumps([*json.loads(golden.read_text()), row]))
    with (tmp_path / "sweep/docs/catalogue.md").open("a") as file:
        file.write("| schedule: cubic | betas grow with the cube of t | Nobody 2026, eq. 1 |\n")

    ask = "cubic or (test_catalogue and not four_edits) or name_every_entry"
    files = ["tests/diffusion/test_schedules.py", "tests/executors/test_every_level.py", "tests/test_catalogue.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-k", ask, *files],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_every_training_level_trains_and_is_scored[schedule=cubic]" in done.stdout
    assert re.search(r"test_golden\S*cubic", done.stdout), done.stdout
