"""Fractions against published tables and against their definition."""

from __future__ import annotations

from itertools import combinations
from math import prod

import numpy as np
import pytest

from sweep.config.designs.fractional_factorial import Fraction, fraction_of, smallest_fraction
from sweep.errors import InfeasibleConfig
from sweep.limits import MAX_SOUGHT_FACTORS

# Montgomery, Design and Analysis of Experiments, table 8.14 (Box, Hunter & Hunter 2005, table 6.22): the fewest runs at
# which k factors have a resolution of at least R, as log2(runs).
FEWEST = {
    3: {3: 2, 4: 3, 5: 3, 6: 3, 7: 3, 8: 4, 9: 4, 10: 4, 11: 4},
    4: {4: 3, 5: 4, 6: 4, 7: 4, 8: 4, 9: 5, 10: 5, 11: 5},
    5: {5: 4, 6: 5, 7: 6, 8: 6, 9: 7, 10: 7, 11: 7},
}


def names(k: int) -> tuple[str, ...]:
    return tuple("ABCDEFGHJKL"[:k])


def contrast(fraction: Fraction, effect: frozenset[str]) -> np.ndarray:
    """Of an effect: product over its factors of -1 at the baseline's level and +1 at the other, one entry a run."""
    return np.array([prod(1 if name in run else -1 for name in effect) for run in fraction.runs])


@pytest.mark.parametrize(("resolution", "k"), [(r, k) for r, row in FEWEST.items() for k in row])
def test_the_smallest_fraction_is_the_published_one(resolution, k):
    found = smallest_fraction(names(k), resolution)
    assert k - len(found.generators) == FEWEST[resolution][k]
    assert found.resolution is not None
    assert found.resolution >= resolution


ALL = [smallest_fraction(names(k), r) for r, row in FEWEST.items() for k in row if k <= 8]


@pytest.mark.parametrize("fraction", ALL, ids=lambda f: f"2^({len(f.factors)}-{len(f.generators)})-{f.resolution}")
def test_by_definition(fraction):
    """Runs are different, columns balanced and orthogonal, and exactly the words are constant."""
    k, p = len(fraction.factors), len(fraction.generators)
    assert len(set(fraction.runs)) == len(fraction.runs) == 2 ** (k - p)
    assert fraction.runs[0] == frozenset()
    columns = np.array([contrast(fraction, frozenset(name)) for name in fraction.factors])
    assert (columns @ columns.T == len(fraction.runs) * np.eye(k)).all()
    effects = [frozenset(c) for size in range(1, k + 1) for c in combinations(fraction.factors, size)]
    constant = {effect for effect in effects if abs(contrast(fraction, effect).sum()) == len(fraction.runs)}
    assert constant == set(fraction.words)
    assert len(fraction.words) == 2**p - 1
    assert min(map(len, constant)) == fraction.resolution


@pytest.mark.parametrize("fraction", ALL, ids=lambda f: f"2^({len(f.factors)}-{len(f.generators)})-{f.resolution}")
def test_aliases_are_all_pairs_of_equal_contrasts(fraction):
    effects = [frozenset(c) for size in (1, 2) for c in combinations(fraction.factors, size)]
    expected = {}
    for one, other in combinations(effects, 2):
        product = contrast(fraction, one) * contrast(fraction, other)
        if abs(product.sum()) == len(product):
            expected[one, other] = product[0]
    assert {(alias.effect, alias.with_): alias.sign for alias in fraction.aliases()} == expected


def test_a_textbook_relation():
    """2^(5-2), D = AB and E = AC: I = ABD = ACE = BCDE, resolution III (Montgomery, table 8.14)."""
    fraction = fraction_of("ABCDE", resolution=None, generators={"D": ["A", "B"], "E": ["A", "C"]})
    assert [set(word) for word in fraction.words] == [set("ABD"), set("ACE"), set("BCDE")]
    assert fraction.resolution == 3
    assert fraction.shown(frozenset("DA")) == "A x D"


def test_what_cannot_be_is_refused():
    with pytest.raises(InfeasibleConfig, match="no fraction of 3"):
        fraction_of("ABC", resolution=4, generators=None)
    with pytest.raises(InfeasibleConfig, match="resolution 3, not 4"):
        fraction_of("ABC", resolution=4, generators={"C": ["A", "B"]})
    with pytest.raises(InfeasibleConfig, match="resolution 2, not 3"):  # D E = I: two factors are one
        fraction_of("ABDE", resolution=None, generators={"D": ["A", "B"], "E": ["A", "B"]})
    with pytest.raises(InfeasibleConfig, match="too many"):
        fraction_of([str(i) for i in range(MAX_SOUGHT_FACTORS + 1)], resolution=3, generators=None)
