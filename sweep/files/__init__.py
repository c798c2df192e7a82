"""Files that no reader ever sees in part: a file store, hashes, caches, and locks between processes.

Start with `file_store.py`: a folder, and behind it a store that fsspec reaches (`remote.py`, `transfer.py`). Every file
is written by `atomic.py`, and every name that somebody else may have written is checked by `contained.py`. Knows no
study, no database and no tensors.
"""
