"""Sentences with counts are right in the singular and in the plural."""

from __future__ import annotations

import pytest

from sweep.cli.grow import unchanged_and_changed
from sweep.quantities import quantity


@pytest.mark.parametrize(
    ("unchanged", "changed", "sentence"),
    [
        (0, 0, "0 cells stay as they are, 0 change"),
        (1, 0, "1 cell stays as it is, 0 change"),
        (1, 1, "1 cell stays as it is, 1 changes"),
        (1200, 2, "1,200 cells stay as they are, 2 change"),
    ],
)
def test_the_difference_of_two_study_files_counts_cells(unchanged: int, changed: int, sentence: str) -> None:
    assert unchanged_and_changed(unchanged, changed) == sentence


def test_a_noun_with_its_own_plural() -> None:
    assert [quantity(n, "study", "studies") for n in (0, 1, 2)] == ["0 studies", "1 study", "2 studies"]
