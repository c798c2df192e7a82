"""The dashboard as it is started and read: a real server, asked over HTTP, on a store of known runs."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sweep.store import open_store
from tests.helpers.report_specs import ArmSpec, StoreSpec, ablation
from tests.helpers.report_stores import fill


class Served:
    """A running dashboard, and the store that it shows."""

    def __init__(self, folder: Path, database: Path) -> None:
        self.folder, self.database = folder, database
        store = open_store(f"sqlite:///{database}")
        self.told = fill(store, replace(ablation(), seeds=3, levels=({},), curves=False), folder)
        trials = [ArmSpec("baseline", {}, replicates=())] + [
            ArmSpec(f"trial-{k:04d}", {"lr": 1e-4 * (k + 1)}, replicates=(0,), phase="search") for k in range(3)
        ]
        design = {"kind": "search", "trials": 3}
        factors = {"lr": {"role": "nuisance", "range": [1e-4, 2e-3], "log": True}}
        fill(store, StoreSpec(trials, name="tune", design=design, factors=factors, curves=False), folder)
        store.close()
        self.before = database.read_bytes()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "sweep",
                "dashboard",
                "--port",
                "0",
                "--storage",
                f"sqlite:///{database}",
                "--files",
                str(folder),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # What a shell starts in the background, these tests too, is told to ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def ask(self, path: str, method: str = "GET", body: str | None = None) -> HTTPResponse:
        place = urlsplit(self.url)
        assert place.hostname is not None
        connection = HTTPConnection(place.hostname, place.port, timeout=30)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        return connection.getresponse()

    def json(self, path: str) -> dict:
        answer = self.ask(path)
        assert answer.status == 200, answer.read()
        return json.loads(answer.read())


@pytest.fixture(scope="module")
def served(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("dashboard")
    database = folder / "store.db"
    database.write_bytes(sqlite_template.read_bytes())
    running = Served(folder, database)
    yield running
    running.process.kill()
    running.process.communicate()


@pytest.fixture(scope="module")
def studies(served: Served) -> dict[str, dict]:
    """Name -> the study as the dashboard tells it."""
    listed = served.json("/api/studies")["study_summaries"]
    return {each["study_name"]: served.json(f"/api/studies/{each['study_id']}") for each in listed}


def attributes(trial: dict) -> dict[str, str]:
    return {each["key"]: each["value"] for each in trial["user_attrs"]}


def test_every_cell_of_every_design_is_a_trial_with_its_score(served, studies):
    assert set(studies) == {"digits", "tune"}
    told = {}
    for trial in studies["digits"]["trials"]:
        own = {key: json.loads(value) for key, value in attributes(trial).items() if key in ("replicate", "fid")}
        arm = attributes(trial)["arm"].strip('"')
        if trial["state"] == "Complete":
            told[arm, own["replicate"]] = trial["values"][0]
    assert told == {key: pytest.approx(value) for key, value in served.told.items()}
    failed = [attributes(trial) for trial in studies["digits"]["trials"] if trial["state"] == "Fail"]
    assert [each["reason"].strip('"') for each in failed] == ["loss is not finite at step 400"]
    assert len(studies["tune"]["trials"]) == 3


def test_arms_are_told_by_what_they_change(studies):
    params = {
        attributes(trial)["arm"].strip('"'): {p["name"]: p["param_external_value"] for p in trial["params"]}
        for trial in studies["digits"]["trials"]
    }
    assert params["baseline"] == {"lr": "0.0002", "schedule": "linear_scaled", "weighting": "simple"}
    assert params["schedule=cosine"] == params["baseline"] | {"schedule": "cosine"}
    assert params["lr=0.002"] == params["baseline"] | {"lr": "0.002"}


def file_of(served: Served, artifact: dict[str, str]) -> Path:
    """The file of the store that an artifact of the dashboard shows."""
    (file,) = (
        file
        for file in served.folder.glob(f"runs/*/*/{artifact['filename']}")
        if hashlib.sha256(file.read_bytes()).hexdigest() == artifact["artifact_id"]
    )
    return file


def test_the_sample_grid_of_a_trial_is_the_file_of_the_store(served, studies):
    """Of the first noise set, as in the report."""
    detail = studies["digits"]
    trial = next(trial for trial in detail["trials"] if trial["artifacts"])
    (artifact,) = trial["artifacts"]
    answer = served.ask(f"/artifacts/{trial['study_id']}/{trial['trial_id']}/{artifact['artifact_id']}")
    assert (answer.status, answer.getheader("Content-Type")) == (200, "image/png")
    assert answer.read() == file_of(served, artifact).read_bytes()
    assert artifact["filename"] == "set0-grid.png"


def test_an_altered_grid_is_not_shown(served, studies):
    trial = [trial for trial in studies["digits"]["trials"] if trial["artifacts"]][-1]
    (artifact,) = trial["artifacts"]
    file = file_of(served, artifact)
    kept = file.read_bytes()
    file.write_bytes(kept + b" ")
    assert served.ask(f"/artifacts/{trial['study_id']}/{trial['trial_id']}/{artifact['artifact_id']}").status == 500
    file.write_bytes(kept)


def test_what_is_done_there_stays_there(served, studies):
    listed = served.json("/api/studies")["study_summaries"]
    study_id = next(each["study_id"] for each in listed if each["study_name"] == "tune")
    trial = studies["digits"]["trials"][0]
    note = json.dumps({"body": "mine", "version": 1})
    assert served.ask(f"/api/studies/{study_id}/{trial['trial_id']}/note", "PUT", note).status in (204, 404)
    assert served.ask(f"/api/studies/{study_id}", "DELETE").status == 204
    assert [each["study_name"] for each in served.json("/api/studies")["study_summaries"]] == ["digits"]
    assert served.database.read_bytes() == served.before


def test_only_this_machine_reaches_it_and_a_taken_port_is_told(served):
    assert served.url.startswith("http://127.0.0.1:")
    port = urlsplit(served.url).port
    others = [a[4][0] for a in socket.getaddrinfo(socket.gethostname(), None) if not a[4][0].startswith("127.")]
    for address in others:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, port), timeout=2).close()
    words = ["dashboard", "--port", str(port), "--storage", f"sqlite:///{served.database}"]
    refused = subprocess.run([sys.executable, "-m", "sweep", *words], capture_output=True, text=True)
    assert refused.returncode == 2
    assert f"port {port} cannot be used" in refused.stderr
    assert "sweep dashboard --port 0" in refused.stderr


def test_without_the_package_it_says_how_to_get_it():
    code = (
        "import sys, sweep.cli; sys.modules['optuna_dashboard'] = None; sys.argv = ['sweep', 'dashboard']; "
        "sweep.cli.main()"
    )
    refused = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert refused.returncode == 2
    assert "next: pip install optuna-dashboard" in refused.stderr


def test_only_requests_made_to_this_machine_by_its_own_pages_are_answered(served: Served) -> None:
    """A page of the internet whose name leads here, or that sends a form here, gets nothing."""
    place = urlsplit(served.url)
    port = place.port
    own = [f"127.0.0.1:{port}", f"localhost:{port}", "LOCALHOST", f"127.0.0.1:{port + 1}"]
    foreign = [
        "evil.example",
        f"evil.example:{port}",
        "",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "[",
        f"evil@{port}",
        "127.0.0.1 evil.example",
    ]
    for host, origin, status in [
        *((host, None, 200) for host in own),
        *((host, None, 403) for host in foreign),
        (own[0], f"http://localhost:{port}", 200),
        (own[0], "http://evil.example", 403),
        (own[0], "null", 403),
    ]:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Host": host} | ({} if origin is None else {"Origin": origin})
        connection.request("GET", "/api/studies", headers=headers)
        answer = connection.getresponse()
        assert answer.status == status, (host, origin)
        assert status == 200 or b"digits" not in answer.read()
        connection.close()


def test_ctrl_c_ends_it_in_order(served):
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(timeout=20) == 0
