"""The methods paragraph: what was done, in sentences with their sources, ready to paste."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from sweep.config.run import EvalConfig, TrainSettings
from sweep.config.values import shortest
from sweep.nets.registry import NETS
from sweep.reporting.formatting import count, listed, number, value_in_words
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.metrics import CLASSIFIER, label_of
from sweep.reporting.stats.comparison import Comparison
from sweep.reporting.stats.paired import ALPHA, EXACT_PAIRS
from sweep.reporting.text.references import REFERENCES, SOURCES
from sweep.scoring.metrics import METRICS
from sweep.store.states import CellStatus

OBJECTIVES: Mapping[str, str] = {
    "simple": "weighting {weighting}",
    "hybrid": "weighting {weighting} plus {vlb_weight} times the variational bound",
    "vlb": "the variational bound as its loss",
}
# What torch-fidelity computes of our features, and what our own code does.
BY_TORCH_FIDELITY = ("fid", "precision", "recall")
BY_OUR_CODE = ("fid_infinity", "kid", "density", "coverage")
OF_LOGITS = "inception_score"
# Measured on other images than the generated ones, or against others than the reference.
ELSEWHERE = ("fid_test", "bits_per_dim", "neighbour_ratio")
COMPARED_ROWS = 10_000
"""Of each side, the most that neighbourhoods are made of (`sweep.scoring.reference`, which needs torch)."""


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
    kind = config["net"]["kind"]
    size = f" ({int(row['parameters']):,} parameters)" if row["parameters"] == row["parameters"] else ""
    objective = config.get("objective", "simple")
    loss = OBJECTIVES[objective].format(
        weighting=citing.setting(config, "weighting") if objective != "vlb" else "", vlb_weight=config.get("vlb_weight")
    )
    said = ("data", "net", "T", "schedule", "target", "weighting", "objective", "vlb_weight", "images", "batch",
            "optimizer", "lr", "lr_schedule", "precision")  # fmt: skip
    precision = "fp32" if config["precision"] == "fp32" else f"{config['precision']} autocast around the net"
    label = NETS[kind].label if kind in NETS else f"net of kind {kind}"
    return (
        f"Denoising diffusion probabilistic models{citing.cite('Ho et al. 2020')} were trained on "
        f"{config['data']['name'].replace('_', ' ')} with a {label}{size}, "
        f"T = {config['T']:,}, schedule {citing.setting(config, 'schedule')}, target "
        f"{citing.setting(config, 'target')} and {loss}, for "
        f"{row['steps'] * config['batch']:,} images ({row['steps']:,} steps of {config['batch']}) with "
        f"{citing.setting(config, 'optimizer')} at a learning rate of {shortest(config['lr'])} "
        f"({config['lr_schedule'].replace('_', ' ')}), in {precision}"
        f"{_further(TrainSettings(), config, said, citing)}."
    )


def _further(usual: TrainSettings | EvalConfig, config: Mapping[str, Any], said: Iterable[str], citing: Citing) -> str:
    """The settings that no sentence names and that are not the usual ones, as a clause; empty for none."""
    default = usual.model_dump(mode="json")
    changed = [name for name in default if name not in said and config.get(name, default[name]) != default[name]]
    told = [f"{name} = {citing.setting(config, name)}" for name in changed]
    return f"; further settings: {', '.join(told)}" if told else ""


def _arms(frames: StudyFrames, citing: Citing) -> str:
    confirmed = frames.cells[frames.cells["phase"] == "confirm"]
    arms = frames.arms[~frames.arms["is_baseline"] & frames.arms["arm_id"].isin(confirmed["arm_id"])]
    if arms.empty:
        return ""
    sources = [
        SOURCES.get((field, _hashable(value))) for changes in arms["changes"] for field, value in changes.items()
    ]
    names = listed(list(arms["says"])) if len(arms) <= 8 else count(len(arms), "arm")
    used = confirmed.loc[confirmed["status"] == CellStatus.DONE, "replicate"].nunique()
    text = f"Each arm differs from this baseline in what its name says: {names}{citing.cite(*sources)}."
    if used:
        text += (
            f" {count(used, 'training seed')} {'was' if used == 1 else 'were'} used; a seed gives every arm the same "
            "random numbers for initialisation, data order and noise."
        )
    return text + _explored(frames, citing)


def _explored(frames: StudyFrames, citing: Citing) -> str:
    """How exploratory runs led to what is compared; empty without any."""
    runs = int((frames.cells["phase"] == "search").sum())
    return " " + frames.subject.design.methods_text(runs, citing.cite) if runs else ""


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else None


def _scoring(frames: StudyFrames, citing: Citing) -> str:
    scores = frames.scores[frames.scores["is_primary"]]
    if scores.empty:
        return ""
    config, protocol = scores.iloc[0]["eval_config"], frames.protocol
    said = ("sampler", "sampling_steps", "ema_decay", "ema_start", "ema_std", "bits_per_dim", "fid_test", "neighbours",
            "partial_noising")  # fmt: skip
    sets = len(protocol.get("noise_sets", ())) or 1
    return (
        f"Images were drawn with the {citing.setting(config, 'sampler')} sampler, {config['sampling_steps']} steps, "
        f"{_weights(config)}{_further(EvalConfig(), config, said, citing)}: {protocol.get('n', 0):,} in each of "
        f"{count(sets, 'noise set')}, which are the same for all runs. {_distances(scores, protocol, citing)}"
    )


def _weights(config: Mapping[str, Any]) -> str:
    """Which average of the weights drew the images."""
    if config.get("ema_std") is not None:
        return f"power-function EMA of relative width {shortest(config['ema_std'])}"
    if not config["ema_decay"]:
        return "raw weights"
    start = config.get("ema_start", "corrected")
    return f"EMA decay {shortest(config['ema_decay'])}" + (f" that starts by {start}" if start != "corrected" else "")


def _distances(scores: pd.DataFrame, protocol: Mapping[str, Any], citing: Citing) -> str:
    """Who computed what of which images."""
    told = set(scores["metric"])

    def named(names: Iterable[str]) -> str:
        return listed([
            label_of(name, protocol).removesuffix(CLASSIFIER) + citing.cite(METRICS[name].source)
            for name in names if name in told
        ])  # fmt: skip

    fidelity = f"torch-fidelity{citing.cite('Obukhov et al. 2020')}"
    features = (
        "Inception features"
        if protocol.get("extractor") == "inception"
        else f"features of a classifier (weights sha256 {str(protocol.get('extractor_sha256', ''))[:8]}), so that they "
        "do not compare with published values"
    )
    parts = [(named(BY_TORCH_FIDELITY), f"with {fidelity}"), (named(BY_OUR_CODE), "with ddpm-sweep's own code")]
    by = [f"{names} {how}" for names, how in parts if names]
    text = f"Against the {protocol.get('reference', 'train')} split, on {features}, we computed {'; '.join(by)}."
    near = [name for name in ("precision", "recall", "density", "coverage") if name in told]
    if near:
        text += f" {listed(near).capitalize()} are of at most {COMPARED_ROWS:,} images of each side."
    if OF_LOGITS in told:
        text += f" {named([OF_LOGITS])} is of the extractor's logits, with {fidelity}."
    if elsewhere := named(ELSEWHERE):
        text += f" Also with ddpm-sweep's own code: {elsewhere}."
    return text


def _testing(comparison: Comparison, citing: Citing) -> str:
    if not comparison.confirmatory or not len(comparison.pairs):
        return ""
    level = comparison.analysis.level if comparison.analysis else ALPHA
    judged = int(comparison.compared["p"].notna().sum())
    text = "Differences from the baseline are over paired seeds, with 95 % t intervals."
    if judged:
        text += (
            " An arm is called no different where the whole interval lies within the smallest effect of interest, "
            f"±{number(comparison.margin, 4)} {comparison.label} (two one-sided tests at {level / 2:.2g}"
            f"{citing.cite('Schuirmann 1987')}); else better or worse where the interval excludes 0 and p < {ALPHA:g} "
            f"by {_tests(comparison, citing)} after Holm's correction{citing.cite('Holm 1979')} over "
            f"{count(judged, 'arm')}."
        )
    if (comparison.compared["test"] == "signed-rank").any():
        text += (
            " Where runs of an arm or of the baseline diverged, the signed-rank test"
            f"{citing.cite('Wilcoxon 1945')} decides alone, with a diverged run worse than any score."
        )
    return text + _interim(comparison, citing)


def _tests(comparison: Comparison, citing: Citing) -> str:
    compared = comparison.compared[comparison.compared["pairs"] > 0]
    flipped = compared[compared["test"] == "sign-flip"]
    tests = []
    if len(flipped):
        drawn = (
            f" (over drawn sign patterns, above {EXACT_PAIRS} pairs)" if flipped["pairs"].max() > EXACT_PAIRS else ""
        )
        tests.append(f"the exact sign-flip test{citing.cite('Fisher 1935')}{drawn}")
    if (compared["test"] == "t").any() or not tests:
        tests.append("the paired t test")
    return " or ".join(tests)


def _interim(comparison: Comparison, citing: Citing) -> str:
    analysis = comparison.analysis
    if analysis is None:
        return ""
    source = {"pocock": "Pocock 1977", "obrien_fleming": "O'Brien & Fleming 1979"}[analysis.plan.shape]
    at = listed([str(seeds) for seeds in analysis.plan.seeds])
    which = f"this is analysis {analysis.number}" if analysis.number else "the first is still to come"
    return (
        f" Interim analyses were declared after {at} seeds; {which}. Levels follow {source}"
        f"{citing.cite(source)}, and intervals are repeated ones that hold at all analyses"
        f"{citing.cite('Jennison & Turnbull 2000')}."
    )
