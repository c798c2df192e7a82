"""What a run's schedule does to the data, as the columns of the run have it.

The columns take no NULL, and SQLite cannot allow it without copying the table. A schedule of a plugin that no process
has run yet is therefore marked by a share of the signal that none can have.
"""

from __future__ import annotations

from dataclasses import asdict

from sweep.diffusion.facts import ScheduleFacts

UNKNOWN = -1.0
"""As `alphas_bar_T`: nothing is known of the schedule yet. Of a known one it lies in [0, 1)."""


def schedule_columns(facts: ScheduleFacts | None) -> dict[str, float]:
    """Column of a run -> its value.

    Args:
        facts: Facts of the schedule; None where they are not known yet.
    """
    return asdict(facts or ScheduleFacts(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN))
