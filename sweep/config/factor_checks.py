"""Whether a factor fits its role, its design and the fields that it sets."""

from __future__ import annotations

from collections import Counter

from pydantic import ValidationError

from sweep.config.factors import Changes, Factor, Value, level_name, levels_of, setting_with, value_of_field
from sweep.config.net import NET_FIELDS
from sweep.config.problems import misfit, problem_of
from sweep.config.protocol_checks import SHARES_INSTEAD
from sweep.config.run import EVAL_FIELDS, TRAIN_FIELDS, Setting
from sweep.plugins.kinds import KIND_OF_FIELD
from sweep.similar_names import no_such


def check_factor(name: str, factor: Factor, baseline: Setting, *, searching: bool, tuning: bool) -> None:
    """Refuse a factor that does not fit its role or its field.

    Args:
        name: Name of the factor.
        factor: The factor, with its role and its levels or range.
        baseline: The setting that every arm is compared with.
        searching: The design is a search, so that any factor may have a range.
        tuning: Nuisance factors are tuned for each arm.

    Raises:
        PydanticCustomError: of type `misfit`, with the place in the file.
    """
    at = ("factors", name)
    if factor.levels is None or isinstance(factor.levels, list):
        _check_field(name, name, factor, baseline)
    if factor.role == "nuisance" and not (searching or tuning):
        raise misfit(at, "a nuisance factor is tuned: add `tune: {trials: 8}`, or use `design: search`")
    if factor.range is not None and factor.role != "nuisance" and not searching:
        raise misfit(at, "the `range` of a scientific factor needs `design: search`; here, give `levels`")
    if factor.range is not None:
        for end in factor.range:
            setting = _check_level(name, factor, baseline, {name: _as_field_type(baseline, name, end)})
            if isinstance(value := value_of_field(setting, name), bool) or not isinstance(value, int | float):
                raise misfit(at, f"`{name}` is no number, so it has no range: give its `levels`")
    elif factor.role != "fixed":
        _check_levels(name, factor, baseline)


def _check_levels(name: str, factor: Factor, baseline: Setting) -> None:
    if isinstance(factor.levels, list):
        names = Counter(level_name(value) for value in factor.levels)
        if twice := next((label for label, count in names.items() if count > 1), None):
            raise misfit(("factors", name), f"level `{twice}` is given twice")
    seen: dict[str, str] = {}
    for label, changes in levels_of(name, factor).items():
        setting = _check_level(name, factor, baseline, changes).model_dump_json()
        if setting in seen:
            raise misfit(("factors", name), f"levels `{seen[setting]}` and `{label}` are the same setting")
        seen[setting] = label


def _as_field_type(baseline: Setting, field: str, value: float) -> Value:
    outer, _, inner = field.partition(".")
    current = getattr(baseline, outer, None)
    current = getattr(current, inner, None) if inner else current
    return int(value) if isinstance(current, int) and float(value).is_integer() else value


def _check_level(name: str, factor: Factor, baseline: Setting, changes: Changes) -> Setting:
    for field in changes:
        _check_field(name, field, factor, baseline)
    try:
        return setting_with(baseline, changes)
    except ValidationError as error:
        reason = problem_of(error.errors()[0])
        written = ", ".join(f"{field}: {level_name(value)}" for field, value in changes.items())
        raise misfit(("factors", name), f"{written} is not allowed: {reason}") from None


def _check_field(name: str, field: str, factor: Factor, baseline: Setting) -> None:
    outer, dot, inner = field.partition(".")
    own = baseline.own_parts.get(KIND_OF_FIELD.get(outer, ""), {})
    if dot and outer != "net" and not own:
        raise misfit(("factors", name), f"no setting named {field!r}; only `net` and parts of plugins have settings")
    if outer not in TRAIN_FIELDS | EVAL_FIELDS:
        hint = no_such("setting", field, sorted(TRAIN_FIELDS | EVAL_FIELDS))
        raise misfit(("factors", name), f"{hint}; `sweep schema` lists the settings")
    below = (NET_FIELDS if outer == "net" else frozenset()).union(*(part.parameters for part in own.values()))
    if dot and inner not in below:
        settings = [f"{outer}.{setting}" for setting in sorted(below)]
        raise misfit(("factors", name), f"{no_such('setting', field, settings)}; allowed: {', '.join(settings)}")
    if outer == "init_from":
        raise misfit(("factors", name), "levels do not name weights: write one study for each file of weights")
    if outer == "data":
        raise misfit(("factors", name), "scores on other data do not compare: write one study a data set")
    if field == "training_share":
        raise misfit(("factors", name), f"shares of the training belong to the protocol: {SHARES_INSTEAD}")
    if factor.role == "evaluation" and outer not in EVAL_FIELDS:
        raise misfit(("factors", name), f"`{field}` changes the training, so it cannot have the role evaluation")
    if factor.role in ("scientific", "nuisance") and outer in EVAL_FIELDS:
        raise misfit(
            ("factors", name),
            f"`{field}` is read off a finished checkpoint: give it the role evaluation, and one training answers "
            "for all its levels",
        )
