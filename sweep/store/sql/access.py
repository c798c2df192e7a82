"""What a command may do to the store that it opens."""

from __future__ import annotations

from enum import Enum, auto


class Access(Enum):
    """What opening may change.

    Attributes:
        READ: Nothing: no file, no folder, no table.
        CHANGE: Rows of a store that is there.
        CREATE: The same, and a store is made where there is none.
    """

    READ = auto()
    CHANGE = auto()
    CREATE = auto()
