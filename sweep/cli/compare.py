"""`sweep compare`: the arms of two studies against one baseline."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Annotated, Any

import typer

import sweep
from sweep import api
from sweep.api.locations import DEFAULT_STORAGE
from sweep.cli.options import Json, Storage, complete_study
from sweep.cli.terminal import print_json, print_line, print_table

if TYPE_CHECKING:
    from sweep.api.compare import AcrossStudies


def compare_command(
    first: Annotated[
        str, typer.Argument(help="The study whose baseline all arms are compared with.", autocompletion=complete_study)
    ],
    second: Annotated[str, typer.Argument(help="Another study in the same database.", autocompletion=complete_study)],
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
    comparison = sweep.compare(first, second, storage=storage)
    if as_json:
        print_json(comparison_document(comparison))
        return
    columns = ["study", "arm", "seeds", comparison.label, "from its own baseline"]
    columns += [f"from the baseline of {comparison.studies[0]}", "over"]
    rows = [_row(row, comparison) for row in comparison.arms.to_dict("records")]
    print_table(f"{comparison.label}: {comparison.direction}", columns, rows)
    for note in api.compare.notes(comparison):
        print_line(note)


def comparison_document(comparison: AcrossStudies) -> dict[str, Any]:
    """A comparison as JSON, with null where there is no number.

    Args:
        comparison: The comparison.
    """
    return {
        "studies": list(comparison.studies),
        "score": comparison.label,
        "direction": comparison.direction,
        "evaluation": dict(comparison.evaluation),
        "evaluation_levels": {study: dict(level) for study, level in comparison.evaluation_levels.items()},
        "baseline_changes": dict(comparison.changes),
        "arms": [
            {str(key): None if isinstance(value, float) and isnan(value) else value for key, value in row.items()}
            for row in comparison.arms.to_dict("records")
        ],
        "caveats": comparison.caveats,
    }


def _row(row: dict[Any, Any], comparison: AcrossStudies) -> tuple[object, ...]:
    from sweep.api.compare import difference_text, mean_text, pairing_text

    decimals = comparison.decimals_at
    own = difference_text(row["own_difference"], row["own_low"], row["own_high"], decimals)
    from_reference = "(it is this one)"
    if not row["is_reference"]:
        from_reference = difference_text(row["difference"], row["low"], row["high"], decimals)
    return row["study"], row["arm"], row["n"], mean_text(row, decimals), own, from_reference, pairing_text(row)
