"""`python -m sweep`."""

import sys

# Python looks first in the folder where the command is typed: a `random.py` there would be imported, not Python's own.
if not sys.flags.safe_path:
    del sys.path[0]

from sweep.cli import main

main()
