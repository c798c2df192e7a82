"""Fractions 2^(k-p) of two-level factorials (Box, Hunter & Hunter 2005, ch. 6).

A run is the set of factors at their named level. A generator {e: [a, b, c]} puts factor e at its named level where an
odd number of a, b, c are, so the runs form a group under symmetric difference and the baseline, the empty set, is one.
With levels written -1 and +1, a word w of the defining relation then has the product (-1)^|w| in every run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from sweep.errors import InfeasibleConfig
from sweep.limits import MAX_ARMS, MAX_SOUGHT_FACTORS

Effect = frozenset[str]
DEFAULT_RESOLUTION = 4


@dataclass(frozen=True)
class Alias:
    """Two effects that a fraction cannot tell apart: their contrasts are equal, up to the sign."""

    effect: Effect
    with_: Effect
    sign: int


@dataclass(frozen=True)
class Fraction:
    """A fraction of a factorial.

    Attributes:
        factors: In the order of the study.
        generators: Generated factor -> factors that it follows.
    """

    factors: tuple[str, ...]
    generators: Mapping[str, tuple[str, ...]]

    @property
    def runs(self) -> list[Effect]:
        """The runs as sets of factors at their named level; the baseline first, then in counting order."""
        basic = [name for name in self.factors if name not in self.generators]
        chosen = [frozenset(subset) for size in range(len(basic) + 1) for subset in combinations(basic, size)]
        return [
            run | {name for name, parents in self.generators.items() if len(run & set(parents)) % 2} for run in chosen
        ]

    @property
    def words(self) -> list[Effect]:
        """The defining relation without the identity: products of generators, shortest first."""
        words: set[Effect] = {frozenset()}
        for name, parents in self.generators.items():
            words |= {word ^ frozenset((name, *parents)) for word in words}
        return sorted(words - {frozenset()}, key=lambda word: (len(word), self._positions(word)))

    @property
    def resolution(self) -> int | None:
        """Length of the shortest word; None for the whole factorial."""
        return min((len(word) for word in self.words), default=None)

    def aliases(self) -> list[Alias]:
        """Every pair of main effects and two-factor interactions that share a contrast, main effects first."""
        effects = [frozenset(pair) for size in (1, 2) for pair in combinations(self.factors, size)]
        rank = {effect: index for index, effect in enumerate(effects)}
        words = self.words
        return [
            Alias(effect, other, (-1) ** len(word))
            for effect in effects
            for word in words
            if (other := effect ^ word) in rank and rank[effect] < rank[other]
        ]

    def shown(self, effect: Effect) -> str:
        """`a x b`, in the order of the study."""
        return " x ".join(sorted(effect, key=self.factors.index))

    def _positions(self, word: Effect) -> list[int]:
        return sorted(map(self.factors.index, word))


def fraction_of(
    factors: Sequence[str], *, resolution: int | None, generators: Mapping[str, Sequence[str]] | None
) -> Fraction:
    """The stated fraction, or the smallest one of a resolution (4 where none is stated).

    Args:
        factors: Names of the factors, two levels each.
        resolution: Length of the shortest word of the defining relation, from 3; None for 4.
        generators: Added factor -> the factors whose product it is; None lets a fraction be looked for.

    Raises:
        InfeasibleConfig: the generators have a lower resolution, no fraction of that resolution exists, the factors are
            too many to look for one, or its runs are too many.
    """
    if generators is not None:
        stated = Fraction(tuple(factors), {name: tuple(parents) for name, parents in generators.items()})
        if stated.resolution is not None and stated.resolution < (resolution or 3):
            raise InfeasibleConfig(
                f"the generators give resolution {stated.resolution}, not {resolution or 3}",
                why=f"The defining relation has the word {stated.shown(stated.words[0])}.",
                next="Let each generated factor follow more factors, or generate fewer.",
            )
        return _with_few_runs(stated)
    wanted = resolution or DEFAULT_RESOLUTION
    if len(factors) > MAX_SOUGHT_FACTORS:
        raise InfeasibleConfig(
            f"{len(factors)} factors are too many to look for generators", next="State design.generators yourself."
        )
    smallest = smallest_fraction(tuple(factors), wanted)
    if not smallest.generators:
        raise InfeasibleConfig(
            f"no fraction of {len(factors)} two-level factors has resolution {wanted}",
            why="Every word of its defining relation would have to be longer than there are factors.",
            next="Use `design: factorial`, or a lower resolution.",
        )
    return _with_few_runs(smallest)


def _with_few_runs(fraction: Fraction) -> Fraction:
    basic = len(fraction.factors) - len(fraction.generators)
    if 2**basic > MAX_ARMS:
        raise InfeasibleConfig(
            f"the fraction has 2^{basic} runs; {MAX_ARMS} arms are the most",
            why="Each is trained once a seed, and the verdict is shared between all of them.",
            next="Generate more factors, use a lower resolution, or leave factors out.",
        )
    return fraction


def smallest_fraction(factors: tuple[str, ...], resolution: int) -> Fraction:
    """A fraction with the fewest runs, longest generators tried first; the whole factorial where none will do.

    Args:
        factors: Names of the factors, two levels each.
        resolution: Length of the shortest word of the defining relation, from 3.
    """
    k = len(factors)
    for basic in range(1, k):
        bits = range(basic)
        sizes = range(basic, resolution - 2, -1)
        subsets = [sum(1 << bit for bit in chosen) for size in sizes for chosen in combinations(bits, size)]
        for chosen in _choices(subsets, k - basic, resolution, words=[0], bit=basic):
            generated = zip(factors[basic:], chosen, strict=True)
            return Fraction(
                factors, {name: tuple(factors[bit] for bit in bits if mask >> bit & 1) for name, mask in generated}
            )
    return Fraction(factors, {})


def _choices(subsets: list[int], count: int, resolution: int, *, words: list[int], bit: int) -> Iterator[list[int]]:
    """Ways to take `count` subsets as generators such that no product of them is a word shorter than `resolution`."""
    if count == 0:
        yield []
        return
    for index, subset in enumerate(subsets):
        new = [word ^ (subset | 1 << bit) for word in words]
        if min(word.bit_count() for word in new) >= resolution:
            rest = _choices(subsets[index + 1 :], count - 1, resolution, words=words + new, bit=bit + 1)
            yield from ([subset, *more] for more in rest)
