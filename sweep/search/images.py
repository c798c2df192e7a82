"""Whether the images of a study are there, can be read, and are enough for its scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sweep.config.study import Study
from sweep.data.folder import read_folder, split_sizes
from sweep.data.left_out import escaped
from sweep.data.listing import list_images
from sweep.planning.cells import evaluation_of, score_requests_of
from sweep.scoring.needs import Data, check_needs


def read_images(study: Study) -> Data | None:
    """The same after every file was decoded, as a launch does.

    Raises:
        DataError: As `check_images`, or an image that cannot be read.
    """
    images, data = check_images(study), study.baseline.data
    if images is None or data.path is None or data.size is None:
        return images
    return replace(images, remarks=read_folder(Path(data.path), data.size).remarks)


def check_images(study: Study) -> Data | None:
    """What a study's folder of images holds; None for a published data set, whose images are known.

    Raises:
        DataError: The folder is missing, or has too few images or classes for the study's scores.
    """
    data = study.baseline.data
    if data.path is None:
        return None
    listing = list_images(Path(data.path))
    images = Data(escaped(data.path), split_sizes(listing), listing.remarks)
    check_needs(
        images,
        study.protocol,
        [request.eval_config for request in score_requests_of(evaluation_of(study), study.baseline)],
    )
    return images
