"""The one door to torch-fidelity: distances between rows of saved features, by its public API.

torch-fidelity ignores keywords that it does not know, caches under names that hold no hash, starts worker processes,
moves the global random stream, averages in the precision of its input and prints. None of that gets past this file.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch_fidelity
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from torch_fidelity.defaults import DEFAULTS
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

from sweep.errors import ProtocolError, UnknownName

EXTRACTOR = "sweep-rows"
LAYER = "row"


class _Identity(torch_fidelity.FeatureExtractorBase):  # type: ignore[misc] # torch-fidelity has no types
    """Passes feature rows through, so that what is measured is exactly what was saved."""

    # torch-fidelity hands every one of its settings to the constructor.
    def __init__(self, name: str, features_list: list[str], **_settings: object) -> None:
        super().__init__(name, features_list)

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        return (LAYER,)

    @staticmethod
    def get_default_feature_layer_for_metric(_metric: str) -> str:
        return LAYER

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    def forward(self, rows: Tensor) -> tuple[Tensor]:
        return (rows,)


if EXTRACTOR not in FEATURE_EXTRACTORS_REGISTRY:  # a reload in a notebook comes here twice
    torch_fidelity.register_feature_extractor(EXTRACTOR, _Identity)


class _Rows(Dataset[Tensor]):
    """Feature rows [N, D] as float64: torch-fidelity takes means in the precision it is given."""

    def __init__(self, rows: NDArray[np.floating]) -> None:
        self._rows = torch.from_numpy(rows.astype(np.float64))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Tensor:
        return self._rows[index]


def checked_rows(rows: NDArray[np.floating], *, what: str) -> NDArray[np.floating]:
    """`rows`, if statistics of them mean anything: [N >= 2, D >= 2], float32 or float64, finite.

    Args:
        rows: Feature rows, [N, D].
        what: What the rows are, for messages.

    Raises:
        ProtocolError: They are something else.
    """
    if rows.ndim != 2 or rows.shape[0] < 2 or rows.shape[1] < 2:
        raise ProtocolError(
            f"{what}: an array of shape {rows.shape}, where [N >= 2, D >= 2] is needed.",
            why="A covariance needs at least two rows and two columns.",
        )
    if rows.dtype not in (np.float32, np.float64):
        raise ProtocolError(f"{what}: {rows.dtype}, where float32 or float64 is needed.")
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise ProtocolError(
            f"{what}: {len(bad)} of {len(rows)} rows are not finite, the first is {bad[0]}.",
            why="A score of the others would hide that the net or the extractor failed.",
            next="Look at the images of those rows.",
        )
    return rows


def calculate(
    generated: NDArray[np.floating],
    reference: NDArray[np.floating] | None = None,
    *,
    settings: Mapping[str, object],
) -> dict[str, float]:
    """torch-fidelity's metrics of feature rows. The order of the two matters to precision and recall.

    Args:
        generated: [N, D], torch-fidelity's input1.
        reference: [M, D], its input2; None where only the inception score is asked for.
        settings: Its keyword arguments: which metrics, and how. Unknown ones are refused.

    Returns:
        torch-fidelity's own dictionary.

    Raises:
        UnknownName: A setting that torch-fidelity does not have.
        ProtocolError: Rows that would give a number without a meaning.
    """
    unknown = sorted(set(settings) - set(DEFAULTS))
    if unknown:
        raise UnknownName(
            "setting of torch-fidelity",
            unknown[0],
            DEFAULTS,
            why="It would be ignored in silence, and something else would be measured.",
        )
    inputs = {"input1": _Rows(checked_rows(generated, what="Features of the generated images"))}
    if reference is not None:
        inputs["input2"] = _Rows(checked_rows(reference, what="Features of the reference images"))
        if generated.shape[1] != reference.shape[1]:
            raise ProtocolError(f"Features of {generated.shape[1]} and {reference.shape[1]} dimensions.")
    with torch.random.fork_rng(devices=[]):
        measured: dict[str, float] = torch_fidelity.calculate_metrics(
            **inputs,
            **settings,
            feature_extractor=EXTRACTOR,
            batch_size=10_000,
            cuda=False,  # rows are on the CPU, and so are all of its statistics
            cache=False,
            save_cpu_ram=True,  # no worker processes, and neighbours block by block
            verbose=False,
        )
    return measured
