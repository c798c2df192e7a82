"""torch-fidelity's Inception v3: the net of published FIDs, from a weights file that is checked before it is loaded."""

from __future__ import annotations

import logging
import os
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlparse

import torch
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3, FeatureExtractorInceptionV3

from sweep.data.download_progress import OnBytes, ignore_bytes, showing_bytes
from sweep.errors import DataError
from sweep.files.caches import read_cache, set_folder_aside
from sweep.files.hashes import sha256_of_bytes, sha256_of_file

WEIGHTS_VARIABLE = "SWEEP_INCEPTION_WEIGHTS"
# The file's name at its source ends with the start of its sha256: the weights of all published figures.
PUBLISHED_FILE = Path(urlparse(URL_INCEPTION_V3).path).name
PUBLISHED_SHA256 = PUBLISHED_FILE.removesuffix(".pth").rsplit("-", 1)[-1]
PUBLISHED_BYTES = 95_700_000
"""About: for the share that a download has done."""
# torch-fidelity's defaults for FID, KID and inception score
PENULTIMATE, LOGITS = "2048", "logits_unbiased"


log = logging.getLogger(__name__)


class Inception(nn.Module):
    """uint8 [B, 1 or 3, H, W] -> float32 [B, 2048] and logits [B, 1008]; gray images are repeated to three channels."""

    def __init__(self, net: FeatureExtractorInceptionV3) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        rgb = images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
        seen = self.net.convert_features_tuple_to_dict(self.net(rgb))
        return seen[PENULTIMATE], seen[LOGITS]


def load_inception(
    weights: Path | None, device: torch.device, on_bytes: OnBytes = ignore_bytes
) -> tuple[str, str, Inception]:
    """Name, sha256 of the weights, and the net.

    The name is `inception` only for the published weights; with others it carries their hash, and their distance is
    not called FID.

    Args:
        weights: The weights file, if not the usual one.
        device: Where the net runs.
        on_bytes: Hears how far a download of the published weights is.

    Raises:
        DataError: No weights here and no network to fetch them by, or a file that is not such weights.
    """
    path = weights or _usual_weights(on_bytes)
    if not path.is_file():
        raise DataError(f"No Inception weights at {path}.", next=_how_to_get_them())
    sha256 = sha256_of_file(path)
    name = "inception" if sha256.startswith(PUBLISHED_SHA256) else f"inception-{sha256[:8]}"
    return name, sha256, Inception(_build(path).to(device))


def _build(path: Path) -> FeatureExtractorInceptionV3:
    try:
        # torch-fidelity unpickles whatever is in the file; only what holds nothing but tensors gets that far.
        torch.load(path, map_location="cpu", weights_only=True)
        # It also draws random weights before it loads these.
        with torch.random.fork_rng(devices=[]):
            return FeatureExtractorInceptionV3(
                "inception-v3-compat", [PENULTIMATE, LOGITS], feature_extractor_weights_path=str(path)
            )
    except Exception as error:  # what torch raises on foreign bytes is not limited to a few classes
        raise DataError(
            f"{path} does not hold the weights of torch-fidelity's Inception.",
            why=str(error).partition("\n")[0] or type(error).__name__,
            next=_how_to_get_them(),
        ) from error


def _usual_weights(on_bytes: OnBytes) -> Path:
    named = os.environ.get(WEIGHTS_VARIABLE)
    if named:
        return Path(named).expanduser()
    path = Path(torch.hub.get_dir()) / "checkpoints" / PUBLISHED_FILE
    if not _is_published(path):
        if os.path.lexists(path):
            log.warning("%s is not the published file: it is downloaded again", path)
            set_folder_aside(path)
        _download(path, on_bytes)
    return path


def _is_published(path: Path) -> bool:
    content = read_cache(path)
    return content is not None and sha256_of_bytes(content).startswith(PUBLISHED_SHA256)


def _download(path: Path, on_bytes: OnBytes) -> None:
    def arrived() -> int:
        return max((part.stat().st_size for part in path.parent.glob(f"{path.name}.*.partial")), default=0)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with showing_bytes(arrived, PUBLISHED_BYTES, on_bytes):
            torch.hub.download_url_to_file(URL_INCEPTION_V3, str(path), hash_prefix=PUBLISHED_SHA256, progress=False)
    except (OSError, RuntimeError, HTTPException) as error:
        raise DataError(
            "The Inception weights are not on this machine and could not be fetched.",
            why=str(error),
            next=_how_to_get_them(),
        ) from error


def _how_to_get_them() -> str:
    return (
        f"Fetch {URL_INCEPTION_V3} (96 MB) where there is a network and set {WEIGHTS_VARIABLE} to the file, "
        "or use extractor: classifier."
    )
