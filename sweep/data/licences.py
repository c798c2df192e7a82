"""Licences of what studies use and others made: the published data sets and the weights of the Inception extractor.

Each was read where `source` says. A data set whose authors state none is said to have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Licence:
    """The licence of one asset.

    Attributes:
        asset: Name of the asset.
        name: Name of the licence; empty where the authors of the asset state none.
        remark: What else is known of it, as a sentence; empty for nothing.
        source: Where the licence, or the lack of one, can be read.
        citation: Authors, title and year of what introduced the asset.
    """

    asset: str
    name: str
    source: str
    citation: str
    remark: str = ""


DATASET_LICENCES: Mapping[str, Licence] = {
    "digits": Licence(
        asset="Optical Recognition of Handwritten Digits, the copy of its test split in scikit-learn",
        name="CC BY 4.0",
        source="https://doi.org/10.24432/C50P49",
        citation="Alpaydin, Kaynak: Optical Recognition of Handwritten Digits. UCI Machine Learning Repository, 1998",
    ),
    "mnist": Licence(
        asset="MNIST",
        name="",
        remark=(
            "Its authors state no licence. LeCun and Cortes hold the copyright, and the documentation of Keras names "
            "CC BY-SA 3.0."
        ),
        source="http://yann.lecun.com/exdb/mnist/",
        citation="LeCun, Bottou, Bengio, Haffner: Gradient-Based Learning Applied to Document Recognition. 1998",
    ),
    "fashion_mnist": Licence(
        asset="Fashion-MNIST",
        name="MIT",
        source="https://github.com/zalandoresearch/fashion-mnist",
        citation=(
            "Xiao, Rasul, Vollgraf: Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms. "
            "2017"
        ),
    ),
    "cifar10": Licence(
        asset="CIFAR-10",
        name="",
        remark="Its authors state no licence, and ask users to cite their report.",
        source="https://www.cs.toronto.edu/~kriz/cifar.html",
        citation="Krizhevsky: Learning Multiple Layers of Features from Tiny Images. 2009",
    ),
}
"""By the name of the data set. `image_folder` is not here: only its owner knows."""

INCEPTION_LICENCE = Licence(
    asset="weights of Inception v3 (2015-12-05), as torch-fidelity converted them",
    name="Apache 2.0",
    source="https://github.com/toshas/torch-fidelity",
    citation="Szegedy et al.: Rethinking the Inception Architecture for Computer Vision. CVPR 2016",
)
