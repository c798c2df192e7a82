"""A study file with a field's old name says the same as one with its new name."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweep.config.study import Study
from sweep.config.study_file import load_study
from sweep.errors import StudyFileError
from sweep.executors.register import identity

HEAD = 'name: "s"\nquestion: "?"\nseeds: 6\n'
# Of a study that was registered by 0.1.0: the hash that its store knows it by.
HASH_OF_0_1_0 = "6570d15286606ef2552dd314564c34f917758390d985963d14d63e01adf72dc5"


def written(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(HEAD + text)
    return path


def test_the_old_name_gives_the_same_study_and_the_same_identity(tmp_path: Path) -> None:
    old = load_study(written(tmp_path, "looks: {at: [3, 6]}\n"))
    new = load_study(written(tmp_path, "interim_analyses: {at: [3, 6]}\n"))
    assert old == new
    assert identity(old) == identity(new) == HASH_OF_0_1_0


def test_a_stored_study_with_the_old_name_is_read(tmp_path: Path) -> None:
    stored = load_study(written(tmp_path, "looks: {at: [3, 6]}\n")).model_dump(mode="json")
    stored["looks"] = stored.pop("interim_analyses")
    interim = Study.model_validate(stored).interim_analyses
    assert interim is not None
    assert interim.at == (3, 6)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("looks: {at: [3, 5]}\n", "line 4: `looks.at`: the last interim analysis is at the last seed, 6"),
        ("looks: {att: [3, 6]}\n", "line 4: `looks.att`: no key named 'att'; did you mean 'at'?"),
        ("looks: {at: [3, 6]}\ninterim_analyses: {at: [3, 6]}\n", "line 4: `looks`: `looks` is the old name"),
    ],
)
def test_a_mistake_is_shown_where_it_stands(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(StudyFileError) as refused:
        load_study(written(tmp_path, text))
    assert told in str(refused.value)
