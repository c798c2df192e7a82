"""Parts of your own: what a plugin file imports, how such a file is read without running it, and how it is loaded.

A plugin file marks its parts, and a study names the file under `plugins`:

    from sweep.plugins import schedule

    @schedule("power")
    def power(T: int, *, exponent: float = 2.0): ...

`kinds.py` has what a part of each kind receives, and the decorators are in `training_parts.py` and
`evaluation_parts.py`; `source.py` and `signatures.py` read what a file offers from its text
alone, so that reading a study never runs code; `loading.py` runs it, in a trial process, once a person has said that
it may be run. Every argument of a part that the harness does not pass is a setting of the study file: typed int,
float, bool, str or Literal of texts, with a default.
"""

from __future__ import annotations

from sweep.plugins.data_files import File
from sweep.plugins.evaluation_parts import dataset, feature_extractor, metric, sampler, spacing
from sweep.plugins.training_parts import (
    loss,
    loss_term,
    lr_schedule,
    net,
    objective,
    optimizer,
    schedule,
    target,
    weighting,
)

__all__ = [
    "File",
    "dataset",
    "feature_extractor",
    "loss",
    "loss_term",
    "lr_schedule",
    "metric",
    "net",
    "objective",
    "optimizer",
    "sampler",
    "schedule",
    "spacing",
    "target",
    "weighting",
]
