"""Every study that ships makes sense, asks one question, says whose claim it tests, and is refused by nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweep.config.study import Study
from sweep.config.study_file import load_study
from sweep.planning.plan import study_plan

STUDIES = Path(__file__).parents[2] / "studies"
FILES = sorted(STUDIES.rglob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(STUDIES)))
def test_it_can_be_launched(file):
    study = load_study(file)
    asked = study_plan(study)
    stored = Study.model_validate(study.model_dump(mode="json"))  # what workers read
    assert stored.with_sources(study.plugin_sources) == study
    assert study.cites
    assert study.question.endswith("?")
    assert asked.trainings >= study.seeds >= 3
    assert study.protocol.noise_sets >= 3
    if file.parent.name in {"small", "real"}:
        assert study.name == f"{file.stem}-{file.parent.name}"


def test_each_question_has_a_small_and_a_real_variant():
    small, real = ({file.name for file in (STUDIES / kind).glob("*.yaml")} for kind in ("small", "real"))
    assert small == real
    assert len(small) >= 10


@pytest.mark.parametrize("file", sorted((STUDIES / "small").glob("*.yaml")), ids=lambda file: file.stem)
def test_a_small_one_costs_minutes(file):
    """By what it asks for: at most 2 million images through a small net, and 250 sets of at most 512 samples."""
    asked = study_plan(load_study(file))
    assert asked.trainings * asked.study.baseline.images <= 2_000_000
    assert asked.scores * asked.study.protocol.noise_sets <= 250
    assert asked.study.protocol.n <= 512
