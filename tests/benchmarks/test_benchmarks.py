"""The benchmarks run, their table is whole, and what they call equal nets are equal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.benchmarks.__main__ import main
from tests.benchmarks.cases import CPU, GPU, Case, difference
from tests.benchmarks.pairs import ratio
from tests.benchmarks.rows import COLUMNS, Row, lines

# Peers warn of what they do; that is theirs.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.conformance
@pytest.mark.parametrize("case", [*CPU, *GPU], ids=lambda case: case.name)
def test_equal_nets_have_equal_outputs(case: Case) -> None:
    assert difference(case) < 1e-4


def test_the_table_and_its_json_are_complete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, threads = tmp_path / "out.json", torch.get_num_threads()
    try:
        main(["cpu", "--quick", "--json", str(path), "--only", "training", "sampling", "scoring", "command"])
    finally:
        torch.set_num_threads(threads)
    told = json.loads(path.read_text())
    assert told["machine"]["ceilings"]["fp32"] > 1e9
    assert {"torch", "diffusers"} <= set(told["machine"]["versions"])
    assert "commit" in told["machine"]["source"]
    rows = [Row(**row) for row in told["rows"]]
    measures = {row.measure for row in rows}
    assert {"training", "sampling", "scoring: sampling", "scoring: features", "scoring: statistics"} <= measures
    assert {"start-up", "sweep status"} <= measures
    peers = {row.peer.split(",")[0] for row in rows if row.ratio is not None}
    assert {"diffusers", "denoising-diffusion-pytorch", "torch-fidelity on images"} <= peers
    for row in rows:
        assert row.ours is not None
        assert row.ours > 0
        assert row.theirs is None or row.theirs > 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2 + len(rows)
    assert all(column in printed[1] for column in COLUMNS)


def test_no_rate_is_above_the_ceiling_of_the_machine(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    threads = torch.get_num_threads()
    try:
        main(["cpu", "--quick", "--json", str(path), "--only", "sampling"])
    finally:
        torch.set_num_threads(threads)
    for row in json.loads(path.read_text())["rows"]:
        assert row["ours"] < row["floor"]
        assert row["theirs"] < row["floor"]


def test_a_ratio_is_of_pairs_and_above_one_where_ours_is_faster() -> None:
    # Of medians it would be 3 / 2; a block in which the machine was slow counts for both sides.
    found = ratio([1.0, 2.0, 10.0], [2.0, 3.0, 20.0])
    assert (found.median, found.least, found.most, found.pairs) == (2.0, 1.5, 2.0, 3)


def test_a_missing_peer_is_a_row() -> None:
    text = lines([Row(measure="training", case="small", unit="images/s", ours=3.0, peer="x", note="missing: x")])
    assert "missing: x" in text[1]


@pytest.mark.faults  # real workers: half a minute
@pytest.mark.timeout(300)
def test_the_fixed_sweep_is_measured_with_its_scores(tmp_path: Path) -> None:
    path, threads = tmp_path / "out.json", torch.get_num_threads()
    try:
        main(["cpu", "--quick", "--json", str(path), "--only", "sweep"])
    finally:
        torch.set_num_threads(threads)
    whole, *others = [Row(**row) for row in json.loads(path.read_text())["rows"]]
    assert whole.ours is not None
    assert whole.theirs is not None
    assert whole.detail.keys() == {"seconds_of_training", "seconds_of_sampling", "seconds_of_scoring"}
    distances = [row for row in others if row.measure == "fixed sweep: distance"]
    assert len(distances) == 2
    assert all(row.ours is not None and row.theirs is not None for row in distances)
