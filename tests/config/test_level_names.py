"""A level's name is the shortest text that reads back as the same number."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import pytest

from sweep.config.factors import level_name
from sweep.config.study import Study
from sweep.config.values import shortest
from sweep.executors.register import register
from sweep.planning.plan import study_plan
from sweep.reporting.formatting import value_in_words
from sweep.store import Store, cells, claim
from sweep.store.studies.arms import rename_arms
from sweep.worker.work import label
from tests.helpers.played_studies import PROTOCOL, finish, worker

CLOSE = [0.999999, 0.9999999, 0.99999999]


@hypothesis.given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_reads_back_as_itself(value: float) -> None:
    assert float(shortest(value)) == value
    assert float(level_name(value)) == value


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (1.0, "1"),
        (1e-05, "1e-05"),
        (0.0002, "0.0002"),
        (0.1 + 0.2, "0.30000000000000004"),
        (0.9999999, "0.9999999"),
        (250000.0, "250000"),
        ([0.9, 0.9999999], "[0.9, 0.9999999]"),
        (1234567, "1234567"),
        (None, "none"),
    ],
)
def test_usual_numbers_are_called_as_ever_and_close_ones_apart(value: object, name: str) -> None:
    assert level_name(value) == name


def test_close_levels_have_different_names_wherever_they_are_told(store: Store) -> None:
    asked = study("ema_decay", CLOSE, role="evaluation")
    assert list(asked.levels_of("ema_decay")) == ["0.999999", "0.9999999", "0.99999999"]
    record = register(store, study_plan(asked), PROTOCOL, accept_change=False)
    me, told = worker(store), set()
    while (claimed := claim(store, record.id, me)) is not None:
        told.add(label(claimed).partition(" at ")[2])
        finish(store, claimed, lambda train, evaluation: 1.0)
    assert {text.split(",")[0] for text in told if text} == {
        f"EMA decay {name}" for name in ("0.999", "0.999999", "0.9999999", "0.99999999")
    }
    assert [value_in_words(value) for value in CLOSE] == ["0.999999", "0.9999999", "0.99999999"]


def test_a_store_whose_arms_have_names_of_six_digits_goes_on(store: Store) -> None:
    asked = study("lr", [1.2345678e-4, 3e-4], role="scientific")
    first = register(store, study_plan(asked), PROTOCOL, accept_change=False)
    before = {cell.cell_id for cell in cells(store, first.id)}
    rename_arms(store, asked.name, {"lr=0.00012345678": "lr=0.000123457"})  # as 0.1.0 called it
    again = register(store, study_plan(asked), PROTOCOL, accept_change=False)
    assert again.revision == 1
    assert {arm.name for arm in again.arms} == {"baseline", "lr=0.00012345678", "lr=0.0003"}
    assert {cell.cell_id for cell in cells(store, first.id)} == before


def study(factor: str, levels: list[float], *, role: str) -> Study:
    return Study.model_validate(
        {
            "name": "s",
            "question": "?",
            "seeds": 1,
            "baseline": {"data": "digits", "net": "mlp_small", "T": 100},
            "factors": {factor: {"role": role, "levels": levels}},
        }
    )
