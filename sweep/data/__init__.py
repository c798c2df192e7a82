"""Data sets as uint8 tensors with fixed splits and a content hash.

Start with `sources.py`, which has one function for each data set and returns a `dataset.Dataset`. Folders of images are
listed, decoded and split by `listing.py`, `picture.py`, `folder.py` and `splits.py`. `facts.py` and `splits.py` load no
torch, so that plans can ask them. May import torch, torchvision, `sweep.files` and what is below it.
"""
