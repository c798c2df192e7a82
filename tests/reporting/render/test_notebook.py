"""The whole build: notebook, page, tables, figures; the same bytes each time; a failing cell leaves a readable rest."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import nbformat
import pandas as pd
import pytest

from sweep.errors import SweepError, UsageError
from sweep.reporting.frames.study_ref import find_study_ref
from sweep.reporting.render import notebook as report_notebook
from sweep.reporting.render.notebook import build_notebook, build_report
from tests.helpers.report_specs import ArmSpec, StoreSpec
from tests.reporting.conftest import make_store


@pytest.fixture(scope="module")
def twice(store, tmp_path_factory):
    """The report of one store, built in two places: by somebody without any configuration, and by `somebody`."""
    progress: list[tuple[int, int]] = []
    built = []
    for configured in (False, True):
        out = tmp_path_factory.mktemp("reports") / "digits"
        with pytest.MonkeyPatch.context() as patch:
            if configured:
                somebody(patch, tmp_path_factory.mktemp("home"), out)
            told = build_report(
                store.url,
                "digits",
                out,
                files_root=store.files,
                on_progress=lambda done, total: progress.append((done, total)),
            )
        built.append(told)
    return built, progress


TRAP = "raise SystemExit('a file of the user was run')"


def somebody(patch, home, out):
    """A user with configurations that would change or end a report: of its libraries, of Python and of the locale."""
    written = {
        home / ".config/matplotlib/matplotlibrc": "text.usetex: True\naxes.facecolor: black",
        home / "given/matplotlibrc": "font.size: 40\nno such thing",
        home / ".ipython/profile_default/startup/00.py": TRAP,
        home / ".ipython/profile_default/ipython_kernel_config.py": TRAP,
        home / "start.py": TRAP,
        home / "jupyter/nbconvert/templates/basic/index.html.j2": "another page",
        home / "jupyter/kernels/python3/kernel.json": '{"argv": ["false"], "display_name": "x", "language": "python"}',
        out / "matplotlibrc": "text.usetex: True",
        out / "sweep.py": TRAP,
        out / "pandas.py": TRAP,
    }
    for file, text in written.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    environment = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "IPYTHONDIR": str(home / ".ipython"),
        "JUPYTER_PATH": str(home / "jupyter"),
        "MATPLOTLIBRC": str(home / "given"),
        "MPLBACKEND": "no_such_backend",
        "PANDAS_FUTURE_INFER_STRING": "0",
        "PYTHONSTARTUP": str(home / "start.py"),
        "PYTHONWARNINGS": "error",
        "LC_ALL": "tr_TR.UTF-8",
        "TZ": "Asia/Tokyo",
    }
    for name, value in environment.items():
        patch.setenv(name, value)


USERS_FILES = {"matplotlibrc", "sweep.py", "pandas.py"}


def files_of(paths):
    root = paths.index.parent
    return {
        str(file.relative_to(root)): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file() and file.name not in USERS_FILES
    }


def test_two_builds_are_the_same_bytes_whatever_is_configured(twice):
    (one, two), progress = twice
    assert files_of(one) == files_of(two)
    total = progress[-1][1]
    assert progress == [(k, total) for _ in range(2) for k in range(1, total + 1)]


def test_everything_is_written(twice):
    (paths, _), _ = twice
    tables = {file.stem for file in paths.tables.glob("*.csv")}
    assert {file.stem for file in paths.tables.glob("*.tex")} == tables | {"checklist"}  # which is sentences
    assert (paths.tables / "ablation.tex").read_text().count(r"\toprule") == 1
    drawn = {file.stem for file in paths.figures.glob("*.svg")}
    for kind in ("*.csv", "*.pdf"):
        assert {file.stem for file in paths.figures.glob(kind)} == drawn
    assert {"differences", "samples", "schedules"} <= drawn
    summary = json.loads(paths.summary.read_text())
    assert (summary["verdict"], summary["done"], summary["planned"]) == ("better", 38, 40)
    index = paths.index.read_text()
    assert 'href="digits/report.html"' in index
    assert "Does the cosine schedule help" in index


def test_the_page_asks_nobody_for_anything(twice):
    (paths, _), _ = twice
    page = paths.html.read_text()
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
    assert "<script" not in page
    assert not re.search(r"https?:|url\(|@import|//[a-z]+\.", re.sub(r"base64,[^\"]*", "", page))
    assert "show_blocks(sections." not in page  # code is in the notebook
    assert "No description has been provided" not in page


def test_the_notebook_holds_code_outputs_and_no_place_or_password(twice, store):
    (paths, _), _ = twice
    text = paths.notebook.read_text()
    book = nbformat.read(paths.notebook, as_version=4)
    nbformat.validate(book)
    code = {cell["id"]: cell for cell in book.cells if cell.cell_type == "code"}
    assert "show_blocks(sections.ablation(study))" in code["ablation"]["source"]
    assert all(cell.get("outputs") for name, cell in code.items() if name not in ("setup", "since_last", "record"))
    assert store.url not in text
    assert str(store.files) not in text
    assert not any(output["output_type"] in ("error", "stream") for cell in code.values() for output in cell["outputs"])


@pytest.mark.slow
def test_the_page_of_a_search_is_the_same_bytes_and_holds_no_chatter(tmp_path):
    """Optuna and tqdm talk when they are loaded: of random names, of the time, and of folders of this machine."""
    trials = [
        ArmSpec(f"trial {k}", {"lr": 1e-4 * k}, replicates=(0,), phase="search", effect=(k - 7) ** 2 / 50)
        for k in range(1, 25)
    ]
    arms = [ArmSpec("baseline", {}, replicates=(0, 1, 2)), *trials]
    factors = {"lr": {"role": "nuisance", "range": [1e-4, 3e-3]}}
    store = make_store(tmp_path, StoreSpec(arms, design={"kind": "search", "trials": 24}, factors=factors))
    pages = []
    for name in ("one", "other"):
        paths = build_report(store.url, "digits", tmp_path / name / "digits", files_root=store.files)
        book = nbformat.read(paths.notebook, as_version=4)
        outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell["outputs"]]
        assert [output for output in outputs if output["output_type"] in ("error", "stream")] == []
        assert (paths.tables / "importances_compared.csv").exists()
        assert pd.read_csv(paths.figures / "samples.csv")["arm"].tolist() == ["baseline"]  # and no sheet of a trial
        pages.append(paths.html.read_bytes())
    assert pages[0] == pages[1]
    store.engine.dispose()


def test_prose_and_csv_come_from_the_same_frame(twice):
    (paths, _), _ = twice
    table = pd.read_csv(paths.tables / "ablation.csv").set_index("arm")
    row = table.loc["schedule=cosine"]
    sentence = json.loads(paths.summary.read_text())["sentence"]
    assert f"by {-row['difference']:.3f}" in sentence
    assert f"95 % interval {-row['high']:.3f} to {-row['low']:.3f}" in sentence
    assert sentence in paths.html.read_text()


def test_a_failing_cell_leaves_the_rest(tmp_path, monkeypatch):
    store = make_store(tmp_path, StoreSpec([ArmSpec("baseline", {})], seeds=1, curves=False, grids=False))
    monkeypatch.setattr(
        report_notebook, "SECTIONS", (("verdict", ""), ("no_such_section", "Nothing"), ("cost", "Cost"))
    )
    out = tmp_path / "reports" / "digits"
    with pytest.raises(SweepError, match="cell `no_such_section`: AttributeError"):
        build_report(store.url, "digits", out, files_root=store.files)
    page = (out / "report.html").read_text()
    assert "1 of 1 planned cell have a score" in page
    assert "no_such_section" in page  # the traceback
    assert not (out / "summary.json").exists()
    book = nbformat.read(out / "report.ipynb", as_version=4)
    assert [bool(cell.get("outputs")) for cell in book.cells if cell.cell_type == "code"] == [
        False,
        True,
        True,
        False,
        False,
    ]
    store.engine.dispose()


def test_no_such_study_writes_nothing(store, tmp_path):
    with pytest.raises(UsageError, match="no study named 'other'"):
        build_report(store.url, "other", tmp_path / "reports" / "other", files_root=store.files)
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("folder", ["tables", "figures"])
def test_folders_that_no_report_made_are_left_alone(store, tmp_path, folder):
    mine = tmp_path / "paper" / folder / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("years of work")
    with pytest.raises(UsageError, match=f"{folder} exists already, and no report has written it"):
        build_report(store.url, "digits", tmp_path / "paper", files_root=store.files)
    assert mine.read_text() == "years of work"


@pytest.mark.parametrize("place", ["file", "file/report", "/proc/report/digits"])
def test_where_nothing_can_be_written_it_is_told(store, tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(SweepError) as caught:
        build_report(store.url, "digits", tmp_path / place, files_root=store.files)
    assert "--out FOLDER" in caught.value.next


def test_a_study_name_cannot_leave_its_string(tmp_path):
    """Names are checked when a study is written; a notebook made from a store must not rely on it."""
    name = "x'); import os  #"
    store = make_store(tmp_path, StoreSpec([ArmSpec("baseline", {})], name=name, seeds=1, curves=False, grids=False))
    source = build_notebook(find_study_ref(store.engine, name), as_of=None).cells[0]["source"]
    assert f"open_study({name!r}, as_of=None)" in source
    compile(source, "cell", "exec")
    store.engine.dispose()


def test_the_report_loads_no_torch_and_no_optuna():
    code = (
        "import sys, sweep.reporting.render.notebook, sweep.reporting.sections; "
        "print([m for m in ('torch', 'optuna', 'torchvision') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
