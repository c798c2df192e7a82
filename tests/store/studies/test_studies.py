"""Studies, arms, cells: registering is idempotent, runs are shared, changes are accepted knowingly."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text

from sweep.config.run import EvalConfig
from sweep.errors import LeaseLost, StoreError, StoreMismatch, UnknownName, UsageError
from sweep.store import (
    Store,
    add_arms,
    add_cells,
    add_search_cell,
    advisor_lease,
    cells,
    claim,
    events,
    fail,
    finish_score,
    finish_training,
    release_advisor,
    renew_advisor,
    studies,
    study,
)
from sweep.store.records import ArmRecord, NewCell, ScoreRequest
from sweep.store.sql.schema import RUN, SCORE
from tests.helpers.tiny_store import ARMS, FACTS, file_of, new_cell, new_study, new_worker, score_result, train_config

HOSTILE = [
    "'; DROP TABLE run; --",
    '"; DELETE FROM study; --',
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "%s %(name)s {0}",
    "naïve \N{CYRILLIC SMALL LETTER A} \N{PILE OF POO}",
    "x" * 64,
]


def count(store: Store, table: type[RUN] | type[SCORE]) -> int:
    return store.read(lambda connection: int(connection.scalars(select(func.count()).select_from(table)).one()))


def test_the_same_file_again_is_the_same_study(store: Store) -> None:
    first = new_study(store)
    assert first == new_study(store) == study(store, "tiny")
    assert first.arms == ARMS
    assert (first.revision, first.state) == (1, "active")


def test_a_changed_file_is_refused_until_the_change_is_accepted(store: Store) -> None:
    first = new_study(store)
    with pytest.raises(StoreMismatch, match="another content") as caught:
        new_study(store, spec_sha256="b" * 64)
    assert "--accept-change" in caught.value.next
    assert study(store, "tiny") == first

    second = new_study(store, spec_sha256="b" * 64, spec={"new": 1}, accept_change=True, question="Why?")

    assert (second.id, second.revision, second.spec, second.question) == (first.id, 2, {"new": 1}, "Why?")
    assert new_study(store, spec_sha256="b" * 64).revision == 2


def test_cells_of_a_dropped_arm_are_excluded_and_come_back_with_it(store: Store) -> None:
    first = new_study(store)
    add_cells(store, first.id, [new_cell(0), new_cell(0, "cosine")])

    new_study(store, spec_sha256="b" * 64, arms=ARMS[:1], accept_change=True)
    assert [cell.state for cell in cells(store, first.id)] == ["planned", "excluded"]
    assert cells(store, first.id)[1].excluded_reason == "arm dropped in revision 2"

    new_study(store, spec_sha256="c" * 64, arms=ARMS, accept_change=True)
    assert [cell.state for cell in cells(store, first.id)] == ["planned", "planned"]


def test_confirmations_of_a_search_survive_a_new_revision(store: Store) -> None:
    """A winner's arm stands in no file: to drop what the file does not name would throw its confirmation away."""
    first = new_study(store, arms=ARMS[:1])
    add_arms(store, first.id, [ArmRecord("cosine", {"schedule": "cosine"})])
    add_cells(store, first.id, [new_cell(9, "cosine", phase="search", trial=0), new_cell(0, "cosine")])

    new_study(store, spec_sha256="b" * 64, arms=ARMS[:1], accept_change=True)

    assert {cell.state for cell in cells(store, first.id)} == {"planned"}


def test_adding_the_same_cells_again_adds_nothing(store: Store) -> None:
    asked = new_study(store)
    wanted = [new_cell(r, arm, score_requests=2) for arm in ("baseline", "cosine") for r in (0, 1)]

    first = add_cells(store, asked.id, wanted)
    again = add_cells(store, asked.id, list(reversed(wanted)))

    assert again == tuple(reversed(first))
    assert (count(store, RUN), count(store, SCORE)) == (4, 8)
    assert [len(cell.scores) for cell in cells(store, asked.id)] == [2, 2, 2, 2]


def test_two_studies_share_a_run_that_is_trained_once(store: Store) -> None:
    one, other = new_study(store, "one"), new_study(store, "other")
    for asked in (one, other):
        add_cells(store, asked.id, [new_cell(0)])
    worker = new_worker(store)
    work = claim(store, one.id, worker)
    assert work is not None
    assert claim(store, other.id, new_worker(store)) is None
    finish_training(store, work, weights=file_of(work, "weights"), parameters=1, seconds=1.0)
    scoring = claim(store, other.id, worker)
    assert scoring is not None
    assert scoring.kind == "score"
    finish_score(store, scoring, score_result(scoring))

    assert claim(store, one.id, worker) is None
    assert cells(store, one.id)[0].state == cells(store, other.id)[0].state == "complete"
    third = new_study(store, "third")
    add_cells(store, third.id, [new_cell(0)])
    assert cells(store, third.id)[0].state == "complete"


def test_a_new_reading_of_a_trained_run_needs_only_a_score(store: Store) -> None:
    asked, worker = new_study(store), new_worker(store)
    add_cells(store, asked.id, [new_cell(0)])
    work = claim(store, asked.id, worker)
    assert work is not None
    finish_training(store, work, weights=file_of(work, "weights"), parameters=1, seconds=1.0)

    add_cells(store, asked.id, [new_cell(0, score_requests=3)])

    kinds = []
    while (scoring := claim(store, asked.id, worker)) is not None:
        kinds.append(scoring.kind)
        finish_score(store, scoring, score_result(scoring))
    assert kinds == ["score"] * 3


def test_a_cell_of_a_newer_revision_points_to_its_new_run(store: Store) -> None:
    asked = new_study(store)
    add_cells(store, asked.id, [new_cell(0)])
    old = cells(store, asked.id)[0]
    new_study(store, spec_sha256="b" * 64, accept_change=True)
    changed = NewCell("baseline", "confirm", 0, train_config(77), FACTS, [ScoreRequest({}, EvalConfig(), True)])

    add_cells(store, asked.id, [changed])

    (cell,) = cells(store, asked.id)
    assert cell.cell_id == old.cell_id
    assert cell.run_id != old.run_id
    assert len(cell.scores) == 1
    assert count(store, RUN) == 2


def test_seeds_of_63_bits_are_kept(store: Store) -> None:
    asked = new_study(store)
    add_cells(store, asked.id, [NewCell("baseline", "confirm", 0, train_config(2**63 - 1), FACTS, [])])
    work = claim(store, asked.id, new_worker(store))
    assert work is not None
    assert work.train_config.seed == 2**63 - 1


def test_an_unknown_arm_or_study_is_refused(store: Store) -> None:
    asked = new_study(store)
    with pytest.raises(UnknownName, match="no arm named 'nowhere'"):
        add_cells(store, asked.id, [new_cell(0, "nowhere")])
    with pytest.raises(StoreError, match="study 99"):
        add_cells(store, 99, [new_cell(0)])
    with pytest.raises(UsageError, match="no study named 'nowhere'"):
        study(store, "nowhere")
    near = asked.name[:-1]
    with pytest.raises(UsageError, match=f"no study named {near!r} in this store; did you mean {asked.name!r}"):
        study(store, near)


def test_later_arms_follow_the_first_and_repeat_harmlessly(store: Store) -> None:
    asked = new_study(store)
    for _ in range(2):
        add_arms(store, asked.id, [ArmRecord("step-1", {"lr": 1e-3}), ArmRecord("step-2", {"lr": 2e-3})])
    assert [arm.name for arm in study(store, "tiny").arms] == ["baseline", "cosine", "step-1", "step-2"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_text(store: Store, name: str) -> None:
    asked = new_study(store, name, arms=[ArmRecord(name, {name: name})], question=name, spec={name: [name]})
    add_cells(store, asked.id, [new_cell(0, name)])
    work = claim(store, asked.id, new_worker(store))
    assert work is not None
    fail(store, work, "bug", name, final=True)

    assert study(store, name) == asked
    assert [found.name for found in studies(store)] == [name]
    (cell,) = cells(store, asked.id)
    assert (cell.arm_name, cell.failure_reason) == (name, name)
    assert name in events(store, asked.id)[0].message
    assert store.read(lambda connection: connection.execute(text("SELECT count(*) FROM run")).scalar_one()) == 1


@pytest.mark.parametrize("name", ["", "nul\x00", "x" * 65])
def test_names_that_no_database_keeps_are_refused(store: Store, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be stored"):
        new_study(store, name)
    assert studies(store) == ()


def test_one_asks_at_a_time(store: Store) -> None:
    asked = new_study(store)
    assert advisor_lease(store, asked.id, "a")
    assert not advisor_lease(store, asked.id, "b")
    assert advisor_lease(store, asked.id, "a", ttl=-1.0)
    assert advisor_lease(store, asked.id, "b")
    release_advisor(store, asked.id, "a")
    assert not advisor_lease(store, asked.id, "a")
    release_advisor(store, asked.id, "b")
    assert advisor_lease(store, asked.id, "a")


def test_a_trial_is_added_only_by_who_may_ask_and_only_up_to_the_total(store: Store) -> None:
    asked = new_study(store)

    def add(owner: str, number: int) -> int | None:
        cell = new_cell(0, f"trial-{number}", phase="search", trial=number)
        return add_search_cell(store, asked.id, owner, ArmRecord(f"trial-{number}", {}), cell, total=2)

    with pytest.raises(LeaseLost):
        add("a", 0)
    advisor_lease(store, asked.id, "a", ttl=-1.0)
    advisor_lease(store, asked.id, "b")
    with pytest.raises(LeaseLost):
        add("a", 0)
    assert not renew_advisor(store, asked.id, "a")
    assert renew_advisor(store, asked.id, "b", ttl=-1.0)
    advisor_lease(store, asked.id, "a", ttl=-1.0)  # over, and nobody took it
    first = add("a", 0)
    assert first is not None
    assert add("a", 0) == first
    assert add("a", 1) not in (None, first)
    assert add("a", 2) is None
    assert add("a", 1) is not None
    assert [cell.trial_number for cell in cells(store, asked.id)] == [0, 1]
