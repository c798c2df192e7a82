from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import sweep
from sweep.data.sources import load_dataset
from sweep.docs import page
from sweep.errors import UnknownName
from sweep.executors.registry import executor


@pytest.mark.parametrize(
    ("name", "what", "why"),
    [
        ("digit", "no study named 'digit' in this store; did you mean 'digits'?", "Allowed: digits, fashion."),
        ("zzz", "no study named 'zzz' in this store", "Allowed: digits, fashion."),
        ("x" * 90, f"no study named '{'x' * 57}...' in this store", "Allowed: digits, fashion."),
    ],
)
def test_an_unknown_name_is_refused_with_the_most_similar_one(name: str, what: str, why: str) -> None:
    error = UnknownName("study", name, ["digits", "fashion"], where="in this store", next="sweep status")
    assert (error.what, error.why, error.next, error.exit_code) == (what, why, "sweep status", 2)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_registries_refuse_an_unknown_name_alike() -> None:
    for look_up, what in (
        (lambda: load_dataset("digit"), "no data set named 'digit'; did you mean 'digits'?"),
        (lambda: page("quickstrat"), "no page named 'quickstrat'; did you mean 'quickstart'?"),
        (lambda: executor("slrm"), "no executor named 'slrm'; did you mean 'slurm'?"),
    ):
        with pytest.raises(UnknownName) as refused:
            look_up()
        assert refused.value.what == what


def test_similar_names_are_sought_in_one_module() -> None:
    folder = Path(sweep.__file__).parent
    seekers = [path.relative_to(folder) for path in folder.rglob("*.py") if "difflib" in path.read_text()]
    assert seekers == [Path("similar_names.py")]
