"""The methods paragraph: what was done, in sentences with their sources, ready to paste."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sweep.report.comparison import Comparison
from sweep.report.frames import StudyFrames
from sweep.report.metrics import CLASSIFIER, METRICS, label_of
from sweep.report.references import REFERENCES, SOURCES
from sweep.report.words import count, listed, number, value_in_words


class Citing:
    """Collects the sources that sentences use."""

    def __init__(self) -> None:
        self.used: list[str] = []

    def cite(self, *sources: str | None) -> str:
        """`(A; B)` with a leading space; empty for none."""
        known = list(dict.fromkeys(source for source in sources if source))
        self.used += [source for source in known if source not in self.used]
        return f" ({'; '.join(known)})" if known else ""

    def setting(self, config: Mapping[str, Any], field: str) -> str:
        """A setting's value with its source."""
        value = config[field]
        return value_in_words(value) + self.cite(SOURCES.get((field, value)))


def methods(frames: StudyFrames, comparison: Comparison) -> tuple[list[str], list[str]]:
    """Paragraphs, and the references that they cite. Says only what the store tells."""
    citing = Citing()
    paragraphs = [
        text
        for text in (
            _training(frames, citing),
            _arms(frames, citing),
            _scoring(frames, citing),
            _testing(comparison, citing),
        )
        if text
    ]
    return paragraphs, [f"{name}. {REFERENCES[name]}" for name in sorted(citing.used)]


def _training(frames: StudyFrames, citing: Citing) -> str:
    mine = frames.cells[frames.cells["is_baseline"]]
    if mine.empty:
        return ""
    row = mine.iloc[0]
    config = row["config"]
    net = "U-Net" if config["net"]["kind"] == "unet" else "MLP"
    size = f" ({int(row['parameters']):,} parameters)" if row["parameters"] == row["parameters"] else ""
    return (
        f"Denoising diffusion probabilistic models{citing.cite('Ho et al. 2020')} were trained on "
        f"{config['data']['name'].replace('_', ' ')} with a {net}{size}, "
        f"T = {config['T']:,}, schedule {citing.setting(config, 'schedule')}, target "
        f"{citing.setting(config, 'target')} and weighting {citing.setting(config, 'weighting')}, for "
        f"{config['images']:,} images ({row['steps']:,} steps of {config['batch']}) with "
        f"{citing.setting(config, 'optimizer')} at a learning rate of {config['lr']:g} "
        f"({config['lr_schedule'].replace('_', ' ')}), in {config['precision']}."
    )


def _arms(frames: StudyFrames, citing: Citing) -> str:
    arms = frames.arms[
        ~frames.arms["is_baseline"]
        & frames.arms["arm_id"].isin(frames.cells.loc[frames.cells["phase"] == "confirm", "arm_id"])
    ]
    if arms.empty:
        return ""
    sources = [
        SOURCES.get((field, _hashable(value))) for changes in arms["changes"] for field, value in changes.items()
    ]
    names = listed(list(arms["says"])) if len(arms) <= 8 else count(len(arms), "arm")
    replicates = frames.cells.loc[frames.cells["phase"] == "confirm", "replicate"].nunique()
    text = (
        f"Each arm differs from this baseline in what its name says: {names}{citing.cite(*sources)}. "
        f"{count(replicates, 'training seed')} were used; a seed gives every arm the same initialisation, data order "
        "and noise."
    )
    if (frames.cells["phase"] == "search").any():
        trials = int((frames.cells["phase"] == "search").sum())
        text += (
            f" Arms were chosen by a search of {count(trials, 'trial')} with Optuna{citing.cite('Akiba et al. 2019')} "
            "and retrained on seeds that the search had not seen."
        )
    return text


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else None


def _scoring(frames: StudyFrames, citing: Citing) -> str:
    scores = frames.scores[frames.scores["is_primary"]]
    if scores.empty:
        return ""
    config = scores.iloc[0]["eval_config"]
    protocol = frames.protocol
    names = [name for name in METRICS if name in set(scores["metric"])]
    metrics = [label_of(name, protocol).removesuffix(CLASSIFIER) + citing.cite(METRICS[name].source) for name in names]
    features = (
        "Inception features"
        if protocol.get("extractor") == "inception"
        else f"features of a classifier (weights sha256 {str(protocol.get('extractor_sha256', ''))[:8]}), so that they "
        "do not compare with published FIDs"
    )
    sets = len(protocol.get("noise_sets", ())) or 1
    weights = f"EMA decay {config['ema_decay']:g}" if config["ema_decay"] else "raw weights"
    if config["ema_decay"] and config.get("ema_start", "corrected") != "corrected":
        weights += f" that starts by {config['ema_start']}"
    if config.get("ema_std") is not None:
        weights = f"power-function EMA of relative width {config['ema_std']:g}"
    return (
        f"Images were drawn with the {citing.setting(config, 'sampler')} sampler, {config['sampling_steps']} steps, "
        f"{weights}. {listed(metrics)} were computed with torch-fidelity{citing.cite('Obukhov et al. 2020')} from "
        f"{protocol.get('n', 0):,} images in each of {count(sets, 'noise set')} against "
        f"the {protocol.get('reference', 'train')} split, on {features}; noise sets are the same for all runs."
    )


def _testing(comparison: Comparison, citing: Citing) -> str:
    if not comparison.confirmatory or not len(comparison.pairs):
        return ""
    used = set(comparison.compared.loc[comparison.compared["pairs"] > 0, "test"])
    tests = [f"the exact sign-flip test{citing.cite('Fisher 1935')}"] if "sign-flip" in used else []
    tests += ["the paired t test"] if "t" in used else []
    if (comparison.compared["test"] == "signed-rank").any():
        source = citing.cite("Wilcoxon 1945")
        tests.append(f"the exact signed-rank test, where a diverged run is worse than any score{source}")
    look = comparison.look
    looks = ""
    if look is not None:
        source = {"pocock": "Pocock 1977", "obrien_fleming": "O'Brien & Fleming 1979"}[look.plan.shape]
        at = listed([str(seeds) for seeds in look.plan.seeds])
        looks = (
            f" The study was planned to be read after {at} seeds; this is look {look.number}. Levels follow {source}"
            f"{citing.cite(source)}, and intervals are repeated ones that hold at all looks"
            f"{citing.cite('Jennison & Turnbull 2000')}."
        )
    return (
        "Differences from the baseline are over paired seeds, with 95 % t intervals. An arm is called better or worse "
        f"where its interval excludes 0 and p < 0.05 by {listed(tests)} after Holm's "
        f"correction{citing.cite('Holm 1979')} over {count(len(comparison.compared), 'arm')}, and called no "
        "different where the whole interval lies within the smallest effect of interest, "
        f"±{number(comparison.margin, 4)} {comparison.label} (two one-sided tests at 0.025"
        f"{citing.cite('Schuirmann 1987')}).{looks}"
    )
