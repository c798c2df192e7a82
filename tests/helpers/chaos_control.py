"""What people do to a study while it is under attack: none of it may cost a run, a trial or a bit."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from sweep.config.study import Study, changed_study
from sweep.executors.register import register
from sweep.planning.plan import study_plan
from sweep.store import cells, events, exclude, rerun, set_study_state
from sweep.store import study as find
from tests.helpers.chaos import FAULTS, Attacked, Chaos, Fault
from tests.helpers.study_outcome import attempt_ends
from tests.helpers.tiny_studies import more

AGAIN = ("infra", "weights", "oom", "crash_loop", "bug", "disk_full", "cancelled")


def pause(chaos: Chaos, each: Attacked) -> bool:
    """`sweep pause`, and some time later `sweep resume`."""
    return _for_a_while(chaos, each, "paused")


def cancel(chaos: Chaos, each: Attacked) -> bool:
    """`sweep cancel`, and some time later `sweep resume`."""
    return _for_a_while(chaos, each, "cancelled")


def _for_a_while(chaos: Chaos, each: Attacked, state: Any) -> bool:
    set_study_state(chaos.store, each.study.id, state)
    time.sleep(chaos.draws.uniform(0.0, 2.0))
    set_study_state(chaos.store, each.study.id, "active")
    each.change()
    return True


def extend(chaos: Chaos, each: Attacked) -> bool:
    """`sweep extend`, once."""
    if each.extensions:
        return False
    give_more(chaos, each)
    return True


def give_more(chaos: Chaos, each: Attacked) -> None:
    """`sweep extend`, however often it was extended before."""
    record = find(chaos.store, each.study.name)
    spec = more(Study.model_validate(record.spec).model_dump(mode="json"))
    register(chaos.store, study_plan(changed_study(spec)), record.protocol, accept_change=True, reason="more")
    each.extensions += 1
    each.change()


def leave_out(chaos: Chaos, each: Attacked) -> bool:
    """`sweep trials exclude`, of one cell of a study that compares arms."""
    found = [cell for cell in cells(chaos.store, each.study.id) if is_left_out(cell.arm_name, cell.replicate)]
    if each.excluded or not found:
        return False
    exclude(chaos.store, found[0].cell_id, "chaos")
    each.excluded = True
    each.change()
    return True


def is_left_out(arm: str, replicate: int) -> bool:
    """Whether this is the one cell that may be excluded."""
    return arm == "schedule=cosine" and replicate == 0


def run_again(chaos: Chaos, each: Attacked) -> bool:
    """`sweep trials rerun` of whatever failed, which is nothing."""
    assert rerun(chaos.store, each.study.id, AGAIN) == 0, f"healthy work failed:\n{_failures(chaos, each)}"
    return True


def _failures(chaos: Chaos, each: Attacked) -> str:
    """The newest failures in the log of a study, oldest first, and how many attempts of each run ended in which way."""
    log = [event for event in events(chaos.store, each.study.id, limit=200) if event.kind in AGAIN]
    lines = [f"{event.at:%H:%M:%S} {event.kind}: {event.message}" for event in reversed(log)]
    for cell in cells(chaos.store, each.study.id):
        ends = Counter(attempt_ends(chaos.store, cell.run_id))
        lines.append(f"{cell.arm_name}/{cell.replicate}: run {cell.run_id} at step {cell.step}, attempts: {dict(ends)}")
    return "\n".join(lines)


ALL: dict[str, Fault] = FAULTS | {
    "pause": pause,
    "cancel": cancel,
    "extend": extend,
    "exclude": leave_out,
    "rerun": run_again,
}
