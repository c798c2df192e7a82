"""What a worker keeps from one asking to the next: reading thousands of trials each time would take seconds."""

from __future__ import annotations

from optuna.storages import RDBStorage

from sweep.config.study import Study
from sweep.search.advisor import Advisor, renewed
from sweep.search.explorations import Exploration
from sweep.search.optuna_storage import open_storage
from sweep.store.inventory import Inventory, inventory
from sweep.store.transaction import Store


class Memory:
    """One process's memory of one study. Nothing in it is needed: what is forgotten is read again."""

    def __init__(self) -> None:
        self._study: Study | None = None
        self._inventory: Inventory | None = None
        self._storage: RDBStorage | None = None
        self._advisors: dict[str, Advisor] = {}

    def look(self, store: Store, study: Study, study_id: int) -> Inventory:
        """The study now. Hold the advisor's lease, as for asking."""
        if study != self._study:  # it was extended, or its space changed
            self._study, self._advisors = study, {}
        self._inventory = inventory(store, study_id, self._inventory)
        return self._inventory

    def advisor(self, study: Study, exploration: Exploration, url: str) -> Advisor:
        """Optuna's side of an exploration.

        Args:
            url: Of the database; see `storage_url`.
        """
        if self._storage is None:
            self._storage = open_storage(url)
        if exploration.optuna_name not in self._advisors:
            self._advisors[exploration.optuna_name] = Advisor(study, exploration, self._storage)
        return self._advisors[exploration.optuna_name]

    def anew(self, study: Study, exploration: Exploration, url: str) -> Advisor:
        """The same after Optuna has lost all that it held of the exploration."""
        if self._storage is None:
            self._storage = open_storage(url)
        self._advisors.pop(exploration.optuna_name, None)
        with renewed(self._storage, exploration):
            return self.advisor(study, exploration, url)

    def rest(self) -> None:
        """Give back Optuna's connections until the next asking: a worker holds one to the database, not two."""
        if self._storage is not None:
            self._storage.remove_session()
            self._storage.engine.dispose()

    def forget(self) -> None:
        """Read everything anew the next time."""
        self.rest()
        self._study, self._inventory, self._storage, self._advisors = None, None, None, {}
