"""Files that no reader ever sees in part, hashes of their bytes, and locks between processes.

This package knows no study, no database and no tensors.
"""
