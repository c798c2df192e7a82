"""Names of studies. Apart from the rest of the config, which takes longer to load than a look at a study takes."""

from __future__ import annotations

import re

from sweep.errors import StudyFileError

NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"


def require_name(name: str) -> str:
    """A study name as typed on the command line.

    Raises:
        StudyFileError: it is not one, and could leave its folder.
    """
    # Not by $, which would let a line break pass.
    if re.fullmatch(NAME.removeprefix("^").removesuffix("$"), name) is None:
        raise StudyFileError(
            f"{name!r} is not the name of a study",
            why="Names are lower-case letters, digits, dot, dash and underscore.",
            next="`sweep status` lists the studies in the store.",
        )
    return name
