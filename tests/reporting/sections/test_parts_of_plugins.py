"""Parts of plugins in a report, which does not run their code: named, and said to be left out of figures."""

from __future__ import annotations

import pandas as pd

from sweep.reporting.formatting import value_in_words
from sweep.reporting.sections.diffusion import chain_arrays, not_drawn

POWER = {
    "kind": "own",
    "part": "power",
    "source": "0" * 64,
    "parameters": {"exponent": {"type": "float", "default": 2.0, "choices": []}},
    "exponent": 3.0,
}


def test_a_figure_says_whose_schedule_it_leaves_out():
    configs = [{"schedule": "cosine", "T": 100}, {"schedule": POWER, "T": 100}]
    cells = pd.DataFrame({"arm": ["baseline", "schedule=power"], "config": configs})
    assert chain_arrays(configs[0])
    assert chain_arrays(configs[1]) == {}
    assert not_drawn(cells, "schedule").endswith("runs no code of plugins: schedule=power.")
    assert not_drawn(cells[:1], "schedule") == ""


def test_a_part_is_named_with_its_settings_and_without_its_hash():
    assert value_in_words(POWER) == "power of our own (exponent = 3)"
