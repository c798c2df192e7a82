"""Whole studies that stop decided arms, played through the real scheduler and store, and read by the report's rule.

`python -m tests.search.simulated_studies FOLDER --studies 2000` writes a line of JSON for each study to the folder, and
prints the counts that docs/statistics.md quotes. What the folder holds is not played again, so that the command goes on
where it was stopped. Several may share the work: `--part 1/2` and `--part 2/2`. A folder in memory, such as one in
/dev/shm, is the fastest.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from sweep.config.run import EvalConfig, TrainConfig
from sweep.config.study import Study
from sweep.reporting.frames.frames import load_frames
from sweep.reporting.stats.comparison import compare_arms
from sweep.search.trial_cache import TrialCache
from sweep.store import Store, open_store
from tests.helpers.played_studies import launched, play, worker

AT = (3, 6, 9, 12)
LRS = (2e-3, 3e-3, 4e-3, 5e-3)
SD = 0.05
"""Of a paired difference of logarithms."""
EFFECTS: dict[str, dict[float, float]] = {
    "placebos": {},
    "large": {2e-3: -3.0, 3e-3: -3.0},
    "moderate": {2e-3: -1.3, 3e-3: -1.3},
    "large and moderate": {2e-3: -3.0, 3e-3: -1.3},
}
"""Case -> learning rate -> its true difference in standard deviations of a paired difference; others have none."""
STUDIES_OF_A_STORE = 25
"""A store of many studies answers more slowly."""


def study(name: str = "adaptive", **changes: Any) -> Study:
    """Four arms beside a baseline, with analyses after 3, 6, 9 and 12 seeds."""
    baseline = {"net": "mlp_small", "images": 80, "batch": 8, "lr": 1e-3}
    factors = {"lr": {"role": "scientific", "levels": list(LRS)}}
    interim = {"at": list(AT), "stop_decided": True}
    fields = {"name": name, "question": name, "baseline": baseline, "factors": factors, "seeds": AT[-1]}
    return Study.model_validate(fields | {"interim_analyses": interim} | changes)


class Drawn:
    """A true mean for each learning rate, in standard deviations of a paired difference, and noise by arm and seed."""

    def __init__(self, effects: Mapping[float, float], number: int) -> None:
        self._effects, self._number = effects, number

    def __call__(self, train: TrainConfig, _: EvalConfig) -> float:
        shared = np.random.default_rng((self._number, train.seed)).normal(0, 0.1)
        own = np.random.default_rng((self._number, train.seed, int(train.lr * 1e6))).normal(0, SD / 2**0.5)
        return float(10 * np.exp(shared + own + SD * self._effects.get(train.lr, 0.0)))


@dataclass(frozen=True)
class Played:
    """What one study came to."""

    number: int
    trainings: int
    different: list[str]
    """Arms that the report calls better or worse."""


def played(store: Store, case: str, number: int) -> Played:
    """Play one study to its end, and read it as a report does.

    Args:
        store: Open store; studies of one store need different numbers.
        case: Key of `EFFECTS`.
        number: Of the study; it decides all its draws.
    """
    asked = study(f"study-{number}", first_seed=100 * number)  # studies with the same seeds would share their runs
    record = launched(store, asked)
    draw = Drawn(EFFECTS[case], number)
    play(store, asked, record.id, draw, owner=worker(store, f"w{number}"), cache=TrialCache())
    frames = load_frames(store.engine, asked.name)
    arms = compare_arms(frames).arms
    different = arms.loc[arms["verdict"].isin(["better", "worse"]), "arm"]
    return Played(number, len(frames.cells), sorted(different))


def play_missing(folder: Path, case: str, numbers: Iterable[int], part: str) -> None:
    """Play the studies that the folder does not hold yet."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = sorted(set(numbers) - {each.number for each in results(folder, case)})
    lines = (folder / f"{case}.{part.replace('/', '-of-')}.jsonl").open("a")
    with tempfile.TemporaryDirectory(dir=folder) as scratch, lines:
        template = Path(scratch) / "empty.db"
        open_store(f"sqlite:///{template}").close()
        for first in range(0, len(missing), STUDIES_OF_A_STORE):
            database = Path(scratch) / "store.db"
            shutil.copy(template, database)
            store = open_store(f"sqlite:///{database}")
            for number in missing[first : first + STUDIES_OF_A_STORE]:
                print(json.dumps(asdict(played(store, case, number))), file=lines, flush=True)
            store.close()


def results(folder: Path, case: str) -> list[Played]:
    """The studies of a case that the folder holds."""
    lines = [line for file in folder.glob(f"{case}.*.jsonl") for line in file.read_text().splitlines()]
    return [Played(**json.loads(line)) for line in lines]


def summary(case: str, studies: list[Played]) -> str:
    """Studies with a false call, and how often each true effect was found, with exact 95 % intervals."""
    effects, count = EFFECTS[case], len(studies)
    null = {f"lr={lr:g}" for lr in LRS} - {f"lr={lr:g}" for lr in effects}
    lines = [f"{case}: {count} studies, {np.mean([each.trainings for each in studies]):.1f} of 60 trainings"]
    hits = {"a placebo is called different": sum(bool(null & set(each.different)) for each in studies)}
    for lr, effect in effects.items():
        hits[f"the effect of {effect} is found"] = sum(f"lr={lr:g}" in each.different for each in studies)
    for what, hit in hits.items():
        low, high = stats.binomtest(hit, count).proportion_ci(0.95)
        lines.append(f"  {what}: {hit} ({hit / count:.2%}, {low:.1%} to {high:.1%})")
    return "\n".join(lines)


def main() -> None:
    """Play what is missing, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--case", choices=EFFECTS, default="placebos")
    parser.add_argument("--first", type=int, default=10_000, help="number of the first study")
    parser.add_argument("--part", default="1/1")
    asked = parser.parse_args()
    part, parts = map(int, asked.part.split("/"))
    play_missing(
        asked.folder, asked.case, iter(range(asked.first + part - 1, asked.first + asked.studies, parts)), asked.part
    )
    print(summary(asked.case, results(asked.folder, asked.case)))


if __name__ == "__main__":
    main()
