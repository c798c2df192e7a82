"""What designs ask of the factors of a study, beside what each factor must be by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sweep.config.designs.designed_study import DesignedStudy
from sweep.config.factors import Factor, levels_of
from sweep.config.problems import LONG, cut, misfit


def check_one_named_level(study: DesignedStudy, name: str, *, design: str) -> None:
    """Refuse a factor unless exactly one of its levels differs from the baseline.

    Args:
        study: Whose design it is.
        name: Of the factor.
        design: Kind of the design.

    Raises:
        PydanticCustomError: Of type `misfit`, with the location in the file.
    """
    others = [level for level, changes in study.levels_of(name).items() if study.setting(changes) != study.baseline]
    if len(others) != 1:
        raise misfit(
            ("factors", name),
            f"`{design}` switches each factor between the baseline and one level; found "
            f"{cut(', '.join(others), LONG) or 'none but the baseline'}",
        )


def check_different_fields(
    names: list[str], factors: Mapping[str, Factor], why: str, *, only: str | None = None
) -> None:
    """Refuse factors that set the same field where their levels are set together.

    Args:
        names: Of the factors that meet in one arm.
        factors: All factors of the study, by name.
        why: Reason, as the end of a sentence.
        only: The factor that is to blame; refuse nothing that it has no part in. None: the later of the two.

    Raises:
        PydanticCustomError: Of type `misfit`, with the location in the file.
    """
    setters: Counter[str] = Counter()
    for name in names:
        setters.update(_fields_of(name, factors[name]))
    for name in names[::-1]:
        if shared := sorted(field for field in _fields_of(name, factors[name]) if setters[field] > 1):
            other = next(n for n in names if n != name and shared[0] in _fields_of(n, factors[n]))
            if only in (None, name, other):
                raise misfit(("factors", only or name), f"`{other}` and `{name}` both set `{shared[0]}`, and {why}")


def _fields_of(name: str, factor: Factor) -> set[str]:
    if factor.range is not None:
        return {name}
    return {field for changes in levels_of(name, factor).values() for field in changes}
