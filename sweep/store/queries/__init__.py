"""Reading the store: status, cells, curves, trials, sample grids. Nothing here writes. Start with `views.py`."""
