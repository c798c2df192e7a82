"""Which analysis of a study that stops decided arms stopped each of them: the same as its workers found."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sweep.config.designs.arms import BASELINE
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.stats.interim import alpha_spending
from sweep.reporting.stats.pairs import ever_scored, primary_values
from sweep.scoring.metrics import metric_of
from sweep.statistics.alpha_spending import AlphaSpending
from sweep.statistics.stopping import FUTILE, Stop, Stopping, stopping
from sweep.store.states import CellStatus, Phase


def stops_decided(frames: StudyFrames) -> bool:
    """Whether the study gives decided arms no more seeds.

    Args:
        frames: The tables of the study.
    """
    return bool((frames.spec.get("interim_analyses") or {}).get("stop_decided"))


def stopping_of_frames(frames: StudyFrames) -> Stopping | None:
    """What its interim analyses decided so far.

    Args:
        frames: The tables of the study.

    Returns:
        None of a study that trains all seeds of every arm.
    """
    plan = alpha_spending(frames.spec)
    if plan is None or not stops_decided(frames):
        return None
    values = primary_values(frames, frames.metric).set_index("cell_id")["value"]
    cells = frames.cells[(frames.cells["phase"] == Phase.CONFIRM) & (frames.cells["status"] != CellStatus.MISSING)]
    scores: dict[str, dict[int, float | None]] = {}
    for cell in cells.to_dict("records"):
        value = values.get(cell["cell_id"])
        of_arm = scores.setdefault(BASELINE if cell["is_baseline"] else str(cell["arm"]), {})
        of_arm[int(cell["replicate"])] = None if value is None else float(value)
    current = frames.cells[(frames.cells["phase"] == Phase.CONFIRM) & ~frames.cells["is_baseline"]]
    current = current[current["status"] != CellStatus.EXCLUDED]
    return stopping(
        plan,
        scores.get(BASELINE, {}),
        {str(arm): scores.get(str(arm), {}) for arm in current["arm"].unique()},
        may_be_ratio=metric_of(frames.metric).ratio,
        stated_effect=frames.spec.get("smallest_effect"),
        family=ever_scored(frames, frames.metric),
    )


def arms_as_stopped(
    latest: pd.DataFrame, tables: Mapping[int, pd.DataFrame], decided: Stopping, plan: AlphaSpending
) -> pd.DataFrame:
    """Each arm as the analysis that stopped it found it; the others as the latest does.

    Args:
        latest: `Comparison.arms` of the latest analysis.
        tables: The same of each analysis that stopped an arm, by its number from 1.
        decided: Which analysis stopped which arm.
        plan: When results are read.
    """
    rows = []
    for row in latest.to_dict("records"):
        if row["arm"] not in decided.stopped:
            rows.append(row)
            continue
        number, why = decided.stopped[row["arm"]]
        table = tables[number]
        (as_decided,) = table[table["arm"] == row["arm"]].to_dict("records")
        chance = f": a later one would decide it with a chance below {FUTILE:.0%}" if why == Stop.FUTILE else ""
        stop = f"no more seeds after analysis {number}, at {plan.seeds[number - 1]} seeds{chance}"
        rows.append(as_decided | {"why": f"{as_decided['why']}; {stop}"})
    return pd.DataFrame(rows, columns=latest.columns).astype(latest.dtypes.to_dict())
