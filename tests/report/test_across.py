"""Two studies against one baseline: paired where seeds draw from the same streams, Welch's elsewhere, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sqlalchemy import Engine, create_engine, delete, select, update
from typer.testing import CliRunner, Result

from sweep.cli.app import app
from sweep.errors import ProtocolError, UsageError
from sweep.report.cross_study import compare_studies
from sweep.report.frames.frames import load_study
from sweep.store.sql.schema import ARM, CELL, MEASUREMENT, RUN, WORKER
from tests.report.stores import ArmSpec, StoreSpec, fill

Told = dict[tuple[str, int], float]
LONGER = {"T": 500, "schedule": "linear_scaled"}


def study(name: str, **changes: object) -> StoreSpec:
    arms = [ArmSpec("baseline", {}), ArmSpec("schedule=cosine", {"schedule": "cosine"}, effect=-1.0)]
    return StoreSpec(**({"arms": arms, "name": name, "seeds": 5, "curves": False, "grids": False} | changes))


@pytest.fixture
def engine(sqlite_url: str) -> Engine:
    return create_engine(sqlite_url)


@pytest.fixture
def two(engine: Engine, tmp_path: Path) -> tuple[Told, Told]:
    """`short` with a seed fewer than `long`, whose chain is twice as long and 0.6 better."""
    return (
        fill(engine, study("short"), tmp_path),
        fill(engine, study("long", seeds=6, baseline=LONGER, mean=11.4), tmp_path),
    )


def rows(engine: Engine, first: str = "short", second: str = "long"):
    found = compare_studies(load_study(engine, first), load_study(engine, second))
    return found, {(row["study"], row["arm"]): row for row in found.arms.to_dict("records")}


def test_arms_of_both_are_compared_with_the_first_baseline_over_common_seeds(engine, two) -> None:
    short, long = two
    found, arms = rows(engine)
    assert list(arms) == [(s, a) for s in ("short", "long") for a in ("baseline", "schedule=cosine")]
    for name, told in (("short", short), ("long", long)):
        row = arms[name, "schedule=cosine"]
        differences = np.array([told["schedule=cosine", r] - short["baseline", r] for r in range(5)])
        expected = stats.ttest_1samp(differences, 0.0).confidence_interval()
        assert (row["how"], row["pairs"]) == ("paired", 5)
        assert row["difference"] == pytest.approx(differences.mean())
        assert (row["low"], row["high"]) == pytest.approx(tuple(expected))
    own = np.array([long["schedule=cosine", r] - long["baseline", r] for r in range(6)])
    assert arms["long", "schedule=cosine"]["own_difference"] == pytest.approx(own.mean())
    assert arms["long", "schedule=cosine"]["own_pairs"] == 6
    assert arms["long", "schedule=cosine"]["says"] == "T = 500, schedule = cosine"
    assert arms["short", "baseline"]["how"] == "same runs"
    assert found.changes == {"T": 500}


def test_other_seeds_or_another_kind_of_device_make_it_welchs(engine, two) -> None:
    short, long = two
    with engine.begin() as connection:
        runs = select(CELL.c.run_id).where(CELL.c.study_id == 2)
        connection.execute(update(RUN).where(RUN.c.id.in_(runs)).values(seed=RUN.c.seed + 100))
    found, arms = rows(engine)
    row = arms["long", "schedule=cosine"]
    mine = [long["schedule=cosine", r] for r in range(6)]
    base = [short["baseline", r] for r in range(5)]
    expected = stats.ttest_ind(mine, base, equal_var=False).confidence_interval()
    assert row["how"] == "welch"
    assert (row["low"], row["high"]) == pytest.approx(tuple(expected))
    assert arms["short", "schedule=cosine"]["how"] == "paired"
    assert any("2 arms of long shared no two seeds" in line and "Welch" in line for line in found.caveats)


def test_the_same_seed_on_a_cpu_draws_from_other_streams_than_on_a_gpu(engine, tmp_path) -> None:
    fill(engine, study("short"), tmp_path)
    fill(engine, study("long", workers=2), tmp_path)  # its odd replicates ran on w1
    with engine.begin() as connection:
        connection.execute(update(WORKER).where(WORKER.c.id == "w1").values(device="cpu"))
    _, arms = rows(engine)
    assert (arms["long", "schedule=cosine"]["how"], arms["long", "schedule=cosine"]["pairs"]) == ("paired", 3)


def test_a_run_that_both_studies_ask_for_is_the_same_run(engine, tmp_path) -> None:
    fill(engine, study("short"), tmp_path)
    fill(engine, study("long"), tmp_path)
    with engine.begin() as connection:
        first, second = (
            connection.execute(
                select(CELL).join(ARM, ARM.c.id == CELL.c.arm_id)
                .where(ARM.c.study_id == number, ARM.c.is_baseline).order_by(CELL.c.replicate)
            ).all()
            for number in (1, 2)
        )  # fmt: skip
        for mine, theirs in zip(first, second, strict=True):
            connection.execute(update(CELL).where(CELL.c.id == theirs.id).values(run_id=mine.run_id))
    found, arms = rows(engine)
    row = arms["long", "baseline"]
    assert (row["how"], row["difference"], row["low"], row["high"]) == ("same runs", 0.0, 0.0, 0.0)
    assert not any("moved" in line for line in found.caveats)


def test_a_baseline_that_moved_though_no_file_changed_is_told(engine, tmp_path) -> None:
    fill(engine, study("short"), tmp_path)
    fill(engine, study("long", mean=14.0), tmp_path)
    found, _ = rows(engine)
    assert any("have the same baseline, and yet it moved by 2" in line for line in found.caveats)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [("n", 2000, "n 1000 and 2000"), ("extractor_sha256", "ef" * 32, "extractor sha256 ababababab and efefefefef"),
     ("reference_sha256", "01" * 32, "reference sha256 cdcdcdcdcd and 0101010101"),
     ("noise_sets", [0], r"noise sets \[0, 1, 2\] and \[0\]"), ("extractor", "inception", "classifier and inception")],
)  # fmt: skip
def test_another_protocol_is_refused_by_what_differs(engine, two, field, value, told) -> None:
    first, second = load_study(engine, "short"), load_study(engine, "long")
    with pytest.raises(ProtocolError, match=f"short and long do not compare: .*{told}") as refused:
        compare_studies(first, replace(second, protocol={**second.protocol, field: value}))
    assert refused.value.exit_code == 2
    assert "sweep space diff FILE" in refused.value.next


def test_other_sampling_steps_are_refused_unless_a_level_was_read_at_the_same(engine, tmp_path) -> None:
    quick = LONGER | {"sampling_steps": 10}
    fill(engine, study("short"), tmp_path)
    fill(engine, study("quick", baseline=quick), tmp_path)
    told = fill(engine, study("both", baseline=quick, levels=({}, {"sampling_steps": 50})), tmp_path)
    with pytest.raises(ProtocolError, match="sampling_steps 50 in short, 10 in quick") as refused:
        rows(engine, "short", "quick")
    assert "sampling_steps: {role: evaluation, levels: [50]}" in refused.value.next
    found, arms = rows(engine, "short", "both")
    assert found.readings == {"short": {}, "both": {"sampling_steps": 50}}
    assert found.evaluation["sampling_steps"] == 50
    primary = np.mean([told["baseline", r] for r in range(5)])
    assert arms["both", "baseline"]["mean"] == pytest.approx(primary + 0.4, abs=0.1)  # as planted for the second level


def test_a_baseline_without_scores_is_refused(engine, two) -> None:
    with engine.begin() as connection:
        connection.execute(delete(MEASUREMENT))
    with pytest.raises(UsageError, match="the baseline of short has no score yet"):
        rows(engine)


@pytest.fixture
def sweep(sqlite_url: str) -> Callable[..., Result]:
    return lambda *words: CliRunner().invoke(app, list(words), env={"SWEEP_STORAGE": sqlite_url})


def test_the_table_and_the_json_say_the_same(two, sweep) -> None:
    shown, told = sweep("compare", "short", "long"), json.loads(sweep("compare", "short", "long", "--json").stdout)
    assert shown.exit_code == 0, shown.output
    (row,) = [row for row in told["arms"] if (row["study"], row["arm"]) == ("long", "schedule=cosine")]
    line = next(line for line in shown.stdout.splitlines() if line.startswith("long") and "cosine" in line)
    assert f"{row['difference']:+.3f}".replace("-", "\N{MINUS SIGN}") in line
    assert "5 paired seeds" in line
    assert told["arms"][0]["own_difference"] is None
    assert "The baseline of long differs from that of short: T = 500." in shown.stdout
    assert "no verdict" in shown.stdout


def test_one_study_with_itself_is_refused(two, sweep) -> None:
    refused = sweep("compare", "short", "short")
    assert isinstance(refused.exception, UsageError)
    assert refused.exception.next == "sweep report short"
