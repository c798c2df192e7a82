"""Tables of the store as pandas frames. Start with `frames.py`."""
