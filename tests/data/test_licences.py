"""No data set is used without its licence being known, or known to be the owner's to state."""

from __future__ import annotations

from sweep.data.licences import DATASET_LICENCES
from sweep.data.sources import DATASETS


def test_each_published_data_set_has_its_licence() -> None:
    assert set(DATASET_LICENCES) | {"image_folder"} == set(DATASETS)
    assert all(licence.source.startswith("http") and licence.citation for licence in DATASET_LICENCES.values())
    assert all(licence.name or licence.remark for licence in DATASET_LICENCES.values())
