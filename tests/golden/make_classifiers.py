"""Write the file of a classifier to ship: `python -m tests.golden.make_classifiers digits`.

It prints the line of `SHIPPED` in `sweep/scoring/shipped_classifiers.py`. Another kind of CPU rounds otherwise and
writes another file, of another name: a file that was released is never replaced.
"""

from __future__ import annotations

import sys

from sweep.data.sources import load_dataset
from sweep.files.hashes import sha256_of_bytes
from sweep.scoring.classifier import RECIPES, train_net
from sweep.scoring.classifier_file import hash_of_labelled
from sweep.scoring.gate import check_gate
from sweep.scoring.shipped_classifiers import FOLDER, to_safetensors

if __name__ == "__main__":
    dataset = load_dataset(sys.argv[1])
    assert dataset.train_labels is not None
    net = train_net(dataset, dataset.train_labels)
    verdict = check_gate(net, dataset)
    content = to_safetensors(net, RECIPES[dataset.name], hash_of_labelled(dataset, dataset.train_labels))
    sha256 = sha256_of_bytes(content)
    (FOLDER / f"{dataset.name}-cnn-{sha256[:8]}.safetensors").write_bytes(content)
    print(
        f'"{dataset.name}": "{sha256}",  # {len(content)} bytes, balanced accuracy {verdict["balanced_accuracy"]:.4f}'
    )
