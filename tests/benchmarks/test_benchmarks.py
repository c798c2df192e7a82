"""The benchmarks run, their table is whole, and what they call equal nets are equal."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from sweep.config.study import Study
from sweep.data.sources import load_dataset
from sweep.planning.plan import study_plan
from sweep.scoring.features import Extractor
from tests import benchmarks
from tests.benchmarks import fidelity_peer, sweeps
from tests.benchmarks.__main__ import main
from tests.benchmarks.cases import CPU, GPU, Case, difference
from tests.benchmarks.machine import describe
from tests.benchmarks.pairs import alternate, ratio
from tests.benchmarks.rows import COLUMNS, Row
from tests.benchmarks.sampling import sampled
from tests.benchmarks.training import throughput


# Peers warn of what they do; that is theirs.
class TwoHeads(nn.Module):
    """As the net of an extractor: features and logits."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.body(images), self.body(images)


pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


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
    heads = [line for line in printed if line.startswith("measure ")]
    assert len(heads) == 4
    assert all(column in head for column in COLUMNS for head in heads)
    assert len(printed) == 1 + len(heads) + len(rows)


def test_a_part_that_fails_is_a_row_that_says_so_and_the_others_are_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> list[Row]:
        raise RuntimeError("two devices")

    monkeypatch.setattr(benchmarks.scoring, "measure", broken)
    path, threads = tmp_path / "out.json", torch.get_num_threads()
    try:
        with pytest.raises(SystemExit) as ended:
            main(["cpu", "--quick", "--json", str(path), "--only", "scoring", "command"])
    finally:
        torch.set_num_threads(threads)
    assert ended.value.code == 1
    failed, *others = json.loads(path.read_text())["rows"]
    assert (failed["measure"], failed["note"]) == ("scoring", "failed: RuntimeError: two devices")
    assert {row["measure"] for row in others} == {"start-up", "sweep status", "sweep report"} & {
        r["measure"] for r in others
    }
    assert others
    assert "failed: RuntimeError: two devices" in capsys.readouterr().out


def test_the_peer_that_scores_moves_images_to_the_device_of_the_extractor() -> None:
    """On a GPU torch-fidelity is handed images of the CPU; a fake device finds what would fail there."""
    with FakeTensorMode():
        net = TwoHeads(torch.nn.Linear(4, 3, device="cuda"))
        fidelity_peer.register(cast(Extractor, SimpleNamespace(net=net, device=torch.device("cuda"))))
        peer = fidelity_peer.SharedExtractor(fidelity_peer.NAME, ["features", "logits"])
        features, logits = peer(torch.zeros(2, 4))
    assert (features.device.type, logits.device.type) == ("cpu", "cpu")


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


# What stands where the peers do not: None in sys.modules is how Python says that a package cannot be imported.
WITHOUT_PEERS = """
import sys
for name in ("diffusers", "denoising_diffusion_pytorch"):
    sys.modules[name] = None
from tests.benchmarks.__main__ import main
main(sys.argv[1:])
"""


def test_a_peer_that_is_not_installed_is_a_row_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    arguments = ["cpu", "--quick", "--json", str(path), "--only", "training", "sampling", "scoring"]
    ran = subprocess.run([sys.executable, "-c", WITHOUT_PEERS, *arguments], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    rows = [Row(**row) for row in json.loads(path.read_text())["rows"]]
    noted = {row.note for row in rows if row.theirs is None and row.note.startswith("not installed")}
    assert noted == {"not installed: diffusers", "not installed: denoising_diffusion_pytorch"}
    assert "not installed: diffusers" in ran.stdout
    assert all(row.ours is not None and row.ours > 0 for row in rows)


def test_without_a_gpu_the_table_of_gpus_says_so_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="no CUDA GPU here"):
        main(["gpu", "--json", str(tmp_path / "out.json")])
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("case", GPU, ids=lambda case: case.name)
def test_the_cases_of_gpus_run_elsewhere_too(case: Case, tmp_path: Path) -> None:
    device = torch.device("cpu")
    machine = describe(device, quick=True)
    # All but the size of the net: precision, goals, and peers told what they are told there.
    small = replace(case, preset="unet_8", size=8, batch=16, steps=1, samples=2, sampling_steps=2)
    rows = throughput(small, machine, device, tmp_path, rounds=1, compiles=False)
    rows += sampled(small, machine, device, rounds=1)
    assert {row.peer.split(",")[0] for row in rows} >= {"diffusers", "denoising-diffusion-pytorch"}
    assert all(row.ours is not None and row.floor is not None and 0 < row.ours < row.floor for row in rows)


def test_the_sweep_of_gpus_is_a_study(tmp_path: Path) -> None:
    of = sweeps.plan(torch.device("cuda"), tmp_path, quick=False)
    study = Study.model_validate(of.study())
    assert len(study_plan(study).cells) == of.trials == 16
    images = load_dataset(of.data.name, path=Path(str(of.data.path)), size=of.data.size)
    assert images.train.shape[1:] == (1, 28, 28)


def test_a_slow_machine_has_fewer_pairs() -> None:
    spent = alternate({"ours": lambda: time.sleep(0.02)}, torch.device("cpu"), rounds=50, at_most=0.01)
    assert len(spent["ours"]) == 1


@pytest.mark.faults  # real workers: half a minute
@pytest.mark.timeout(900)
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
