"""Which trials a search sampler models where all of them would take too long: a Gaussian process is cubic in them."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.trial import TrialState

from sweep.planning.tuning import MAX_MODELLED
from sweep.search.optuna_samplers import Shown

# The most trials under way that it keeps away from, the newest: its acquisition is cubic in these.
MAX_UNDER_WAY = 100


def modelled(search_sampler: str, history: Sequence[Shown]) -> Sequence[Shown]:
    """The trials that a sampler models, in their order: all, or the best half and the others thinned out evenly.

    The best say where to go, the others where not to; both halves depend on the history alone.

    Args:
        search_sampler: A name of `SEARCH_SAMPLERS`.
        history: Trials that are finished, with a value, or under way.
    """
    limit = MAX_MODELLED.get(search_sampler)
    if limit is None:
        return history
    finished = [trial for trial in history if trial.value is not None]
    under_way = [trial for trial in history if trial.state is TrialState.RUNNING]
    if len(finished) <= limit and len(under_way) <= MAX_UNDER_WAY:
        return history
    chosen = {id(trial) for trial in [*_informative(finished, limit), *under_way[-MAX_UNDER_WAY:]]}
    return [trial for trial in history if id(trial) in chosen]


def _informative(finished: Sequence[Shown], limit: int) -> Sequence[Shown]:
    if len(finished) <= limit:
        return finished
    ranked = sorted(finished, key=lambda trial: (trial.value, trial.ours))
    best, others = ranked[: limit // 2], ranked[limit // 2 :]
    wanted = limit - len(best)
    return best + [others[index * len(others) // wanted] for index in range(wanted)]
