"""The notebook `studies/first-study.ipynb` runs from the study file to the plot."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "studies" / "first-study.ipynb"


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_notebook_shows_the_outcome_and_a_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SWEEP_STORAGE", "SWEEP_FILES", "SWEEP_DEVICE"):
        monkeypatch.delenv(variable, raising=False)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=380, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error"]
    results = [output.data for output in outputs if output.output_type in ("execute_result", "display_data")]
    assert any("COMPLETE" in data["text/plain"] for data in results)
    assert any("image/png" in data for data in results)


def test_the_notebook_is_committed_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
