"""What a design reads of its study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sweep.config.designs.tune import Tune
from sweep.config.factors import Changes, Factor, Role
from sweep.config.protocol_request import ProtocolRequest
from sweep.config.run import Setting


class DesignedStudy(Protocol):
    """The parts of `sweep.config.study.Study` that a design depends on, so that neither imports the other."""

    @property
    def baseline(self) -> Setting:
        """What every arm is compared with."""

    @property
    def factors(self) -> Mapping[str, Factor]:
        """What varies, by name."""

    @property
    def tune(self) -> Tune | None:
        """How nuisance factors are tuned; None where they are not."""

    @property
    def seeds(self) -> int:
        """Replicates of every arm."""

    @property
    def protocol(self) -> ProtocolRequest:
        """How scores are made."""

    def factors_of(self, *roles: Role) -> dict[str, Factor]:
        """Factors with one of these roles, in the order of the file."""

    def levels_of(self, name: str) -> dict[str, Changes]:
        """Level name -> the fields it sets, of one factor, in the order of the file."""

    def setting(self, changes: Changes) -> Setting:
        """The baseline with some fields changed."""
