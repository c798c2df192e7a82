"""Measurements behind `sweep bench`: what a store bears, and what the next trial and the status of large studies cost.

`store_operations.py` measures the operations of workers, `large_studies.py` what large studies cost. Their studies are
filled in bulk (`filled_study.py`, `finished_search.py`), which nothing else may do. The package may import `search`,
`worker` and what is below them.
"""
