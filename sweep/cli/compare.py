"""`sweep compare`: the arms of two studies against one baseline."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweep.cli.options import DEFAULT_STORAGE, Json, Storage, store_options
from sweep.commands import command

if TYPE_CHECKING:
    from sweep.reporting.cross_study import AcrossStudies


def compare(
    first: Annotated[str, typer.Argument(help="The study whose baseline all arms are compared with.")],
    second: Annotated[str, typer.Argument(help="Another study in the same database.")],
    storage: Storage = DEFAULT_STORAGE,
    as_json: Json = False,
) -> None:
    """Compare the arms of two studies.

    Their scores must have the same extractor, reference, N, noise sets and way of sampling; otherwise the command is
    refused and prints what differs. Where the baselines are sampled differently, a shared level of an evaluation factor
    is compared instead.

    Runs with the same seed on the same kind of device are paired. Other differences are Welch's, and the table marks
    them. There are intervals but no verdicts, because neither study planned the comparison.

    \b
    Examples: sweep compare fashion fashion-length
              sweep compare fashion fashion-length --json | jq '.arms[] | select(.high < 0)'
    """
    from sweep.cli.console import stdout
    from sweep.cli.terminal import print_json
    from sweep.config.names import require_name
    from sweep.errors import UsageError
    from sweep.reporting.cross_study import compare_studies
    from sweep.reporting.frames.frames import load_study
    from sweep.store.opening import read_store

    names = [require_name(first), require_name(second)]
    if first == second:
        raise UsageError(f"{first} is one study", why="Its own arms are compared in its report.",
                         next=command("report", first, *store_options(storage)))  # fmt: skip
    engine = read_store(storage).engine
    found = compare_studies(*(load_study(engine, name) for name in names))
    if as_json:
        print_json(document(found))
        return
    stdout.print(_table(found))
    for line in _notes(found):
        stdout.print(line, markup=False)


def document(found: AcrossStudies) -> dict[str, Any]:
    """As JSON; null where there is no number."""
    return {
        "studies": list(found.studies),
        "score": found.label,
        "direction": found.direction,
        "evaluation": dict(found.evaluation),
        "evaluation_levels": {study: dict(level) for study, level in found.evaluation_levels.items()},
        "baseline_changes": dict(found.changes),
        "arms": [{str(key): None if isinstance(value, float) and isnan(value) else value for key, value in row.items()}
                 for row in found.arms.to_dict("records")],
        "caveats": found.caveats,
    }  # fmt: skip


def _table(found: AcrossStudies) -> Any:
    from sweep.cli.console import table
    from sweep.reporting.formatting import decimals_for

    decimals = decimals_for(found.decimals_at)
    against = f"from the baseline of {found.studies[0]}"
    columns = ["study", "arm", "seeds", found.label, "from its own baseline", against, "over"]
    return table(f"{found.label}: {found.direction}", columns, [
        (row["study"], row["arm"], row["n"], _mean(row, decimals),
         _interval(row["own_difference"], row["own_low"], row["own_high"], decimals),
         "(it is this one)" if row["is_reference"] else
         _interval(row["difference"], row["low"], row["high"], decimals), _over(row))
        for row in found.arms.to_dict("records")
    ])  # fmt: skip


def _mean(row: dict[Any, Any], decimals: int) -> str:
    from sweep.reporting.formatting import number

    return number(row["mean"], decimals) + ("" if isnan(row["sd"]) else f" ± {number(row['sd'], decimals)}")


def _interval(difference: float, low: float, high: float, decimals: int) -> str:
    from sweep.reporting.formatting import number

    if isnan(difference):
        return ""
    between = " to ".join(number(bound, decimals, signed=True) for bound in (low, high))
    return f"{number(difference, decimals, signed=True)} ({'no interval' if isnan(low) else between})"


def _over(row: dict[Any, Any]) -> str:
    if row["is_reference"] or not row["how"]:
        return ""
    told = {"paired": f"{row['pairs']} paired seeds", "welch": "Welch, unpaired", "same runs": "the same runs"}
    return told[row["how"]]


def _notes(found: AcrossStudies) -> list[str]:
    from sweep.reporting.formatting import changes_in_words

    first, second = found.studies
    same = f"{second} has the same baseline as {first}."
    changed = f"The baseline of {second} differs from that of {first}: {changes_in_words(found.changes)}."
    read = [f"Of {study}, the evaluation level {changes_in_words(level)} is read."
            for study, level in found.evaluation_levels.items() if level]  # fmt: skip
    return [changed if found.changes else same, *read, "Brackets: 95 % t intervals.", *found.caveats]
