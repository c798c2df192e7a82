"""What was decided after scores were known: a decision that scores could have caused is shown with those scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from sweep.config.old_names import with_new_names
from sweep.config.study import Study
from sweep.errors import StoreMismatch
from sweep.quantities import quantity
from sweep.reporting.formatting import join_words, value_in_words
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.stats.interim import alpha_spending
from sweep.store.states import AttemptEnd, EventKind
from sweep.store.stored_config import study_spec

SHOWN_MEANS, SHOWN_DECISIONS = 4, 20
FIELDS = {
    "metric": "the score that decides",
    "smallest_effect": "the smallest effect of interest",
    "baseline": "the baseline",
    "protocol": "the protocol",
    "factors": "factors and levels",
    "design": "the design",
    "tune": "the tuning of nuisance factors",
    "first_seed": "the seeds",
    "seeds": "the number of seeds",
    "interim_analyses": "the interim analyses",
    "question": "the question",
}
"""Fields of a study file that a look at scores could be the reason to change, and what they are called."""
VALUES = ("metric", "smallest_effect", "first_seed")
"""Fields whose old and new values are shown."""
CONSEQUENCE = "If the scores were the reason, verdicts are wrong more often than 5 % of the time."
SEEDS_AFTER_SCORES = "If seeds were added because of the scores, verdicts are wrong more often than 5 % of the time."


def decided_after_scores(frames: StudyFrames) -> Iterator[str]:
    """One sentence for each change of the study file, each exclusion and each repetition of failures that came after a
    score was known.

    Args:
        frames: The tables of the study.
    """
    sentences = [*_revisions(frames), *_exclusions(frames), *_repetitions(frames)]
    yield from sentences[:SHOWN_DECISIONS]
    if len(sentences) > SHOWN_DECISIONS:
        yield f"{len(sentences) - SHOWN_DECISIONS} more decisions were made after scores were known."


def without_consequence(decision: str) -> str:
    """The sentence on a decision, without what follows from it for the verdicts.

    Args:
        decision: One of `decided_after_scores`.
    """
    return decision.removesuffix(f" {SEEDS_AFTER_SCORES}").removesuffix(f" {CONSEQUENCE}")


def repeated_question(frames: StudyFrames) -> Iterator[str]:
    """Other studies of the store with the same question, which give chance another try.

    Args:
        frames: The tables of the study.
    """
    scored = frames.same_question[frames.same_question["scores"] > 0]
    if len(scored):
        names = [f"{row['name']} ({quantity(row['scores'], 'score')})" for row in scored.to_dict("records")]
        yield (
            f"The store has {quantity(len(scored), 'other study', 'other studies')} with the same question: "
            f"{join_words(names)}. Each study is one more chance to find a difference that does not exist. Report all "
            "of them."
        )


def _revisions(frames: StudyFrames) -> Iterator[str]:
    details = {
        detail["revision"]: detail
        for detail in frames.decisions.loc[frames.decisions["kind"] == EventKind.REVISION, "detail"]
        if "revision" in detail
    }
    for before, after in pairwise(frames.study_ref.revisions):
        detail = details.get(after["number"])
        known = _known_in_words(detail, frames) if detail is not None else _known_by_time(frames, after["accepted_at"])
        changed = _changes(before, after, frames) if known else []
        if changed:
            consequence = SEEDS_AFTER_SCORES if _has_more_seeds(before["spec"], after["spec"]) else CONSEQUENCE
            yield f"Revision {after['number']} changed {join_words(changed)} after {known}. {consequence}"
        dropped = frames.cells.loc[
            frames.cells["excluded_reason"] == f"arm dropped in revision {after['number']}", "arm"
        ].unique()
        if known and len(dropped):
            names = join_words([str(arm) for arm in dropped])
            yield f"Revision {after['number']} dropped {names} after {known}. Verdicts still count them as compared."


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], frames: StudyFrames) -> list[str]:
    old, new = (_values(each["spec"], frames) for each in (before, after))
    # More seeds up to a later declared analysis are what a study with interim analyses is for.
    planned = alpha_spending(after["spec"]) is not None and alpha_spending(before["spec"]) is not None
    names = [name for name in FIELDS if old.get(name) != new.get(name)]
    if planned and {"seeds", "interim_analyses"} >= set(names):
        return []
    changed = []
    for name in names:
        shown = name in (*VALUES, "seeds")
        values = f" (from {value_in_words(old.get(name))} to {value_in_words(new.get(name))})" if shown else ""
        changed.append(f"{FIELDS[name]}{values}")
    return changed


def _has_more_seeds(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    old, new = before.get("seeds"), after.get("seeds")
    return isinstance(old, int) and isinstance(new, int) and new > old


def _values(spec: Mapping[str, Any], frames: StudyFrames) -> Mapping[str, Any]:
    """Every value of a study file, those that it leaves out and that later versions added among them."""
    try:
        study: Study = study_spec(with_new_names(spec), of=frames.name)
    except StoreMismatch:
        return with_new_names(spec)  # of a version that allowed what this one refuses: compared as it was written
    values = study.model_dump(mode="json")
    values["baseline"]["data"].pop("path", None)
    return values


def _known_in_words(detail: Mapping[str, Any], frames: StudyFrames) -> str:
    """`6 scores were known (baseline 12.1, a 11.3)`; empty where none was."""
    known = detail.get("known_scores") or {}
    count = sum(each["n"] for each in known.values())
    if not count:
        return ""
    order = [str(arm) for arm in frames.arms["arm"] if arm in known]
    means = [f"{arm} {known[arm]['mean']:.4g}" for arm in order[:SHOWN_MEANS]]
    more = f" and {quantity(len(known) - SHOWN_MEANS, 'more arm')}" if len(known) > SHOWN_MEANS else ""
    verb = "was" if count == 1 else "were"
    return f"{quantity(count, 'score')} {verb} known (means: {', '.join(means)}{more})"


def _known_by_time(frames: StudyFrames, moment: Any) -> str:
    """The same of a revision of an earlier version, whose event tells of no scores: by when attempts ended."""
    attempts = frames.attempts
    scored = attempts["score_id"].notna() & (attempts["end_reason"] == AttemptEnd.COMPLETE)
    count = int((attempts.loc[scored, "ended_at"] < moment).sum())
    return f"{quantity(count, 'score')} {'was' if count == 1 else 'were'} known" if count else ""


def _exclusions(frames: StudyFrames) -> Iterator[str]:
    excluded = frames.decisions[frames.decisions["kind"] == EventKind.EXCLUDE]
    for detail in excluded["detail"]:
        known = _known_in_words(detail, frames)
        if known:
            yield (
                f"Seed {detail['replicate']} of {detail['arm']} was excluded after {known}. The reason given: "
                f"{detail['reason']}."
            )


def _repetitions(frames: StudyFrames) -> Iterator[str]:
    repeated = frames.decisions[frames.decisions["kind"] == EventKind.RERUN]
    for message, detail in zip(repeated["message"], repeated["detail"], strict=True):
        known = _known_in_words(detail, frames)
        if known and detail.get("count"):
            yield f"Failures were repeated after {known}: {message}."
