"""The methods paragraph: what was done, in sentences with their sources, ready to paste."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from sweep.config.conditioning import LabelSettings, with_defaults
from sweep.config.earlier_weights import CheckpointSettings
from sweep.config.run import EvalConfig, TrainSettings
from sweep.config.values import shortest
from sweep.nets.registry import NETS
from sweep.quantities import quantity
from sweep.reporting.formatting import join_words, percent, value_in_words
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.metrics import CLASSIFIER, OWN_FEATURES, is_noise_per_seed, label_of
from sweep.reporting.stats.comparison import Comparison
from sweep.reporting.text.citations import Citations
from sweep.reporting.text.given import given_text
from sweep.reporting.text.methods_testing import testing_text
from sweep.reporting.text.own_parts import own_parts_sentence
from sweep.reporting.text.references import SOURCES
from sweep.reporting.text.setting_fields import PRECISIONS, SCORING_FIELDS, TRAINING_FIELDS
from sweep.reporting.text.software import BY_TORCH_FIDELITY, software_sentences
from sweep.scoring.metrics import METRICS
from sweep.store.states import CellStatus, Phase

OBJECTIVES: Mapping[str, str] = {
    "simple": "weighting {weighting}",
    "hybrid": "weighting {weighting} plus {vlb_weight} times the variational bound",
    "vlb": "the variational bound as its loss",
}
BY_OUR_CODE = ("fid_infinity", "kid", "density", "coverage")
LOGIT_METRIC = "inception_score"
FEATURE_METRICS = tuple(name for name in METRICS if name in BY_TORCH_FIDELITY and name != LOGIT_METRIC)
"""What torch-fidelity computes of our features."""
# Measured on other images than the generated ones, or against others than the reference.
OTHER_METRICS = ("fid_test", "bits_per_dim", "neighbour_ratio")
COMPARED_ROWS = 10_000  # images of each side in neighbourhoods, as in `sweep.scoring.reference`, which loads torch


def methods_text(frames: StudyFrames, comparison: Comparison) -> tuple[list[str], list[str]]:
    """The paragraphs, and the references that they cite. They state only what the store contains.

    Args:
        frames: The tables of the study.
        comparison: The comparison of its arms.
    """
    citations = Citations()
    if frames.study_ref.design.trains:
        training, arms = _training(frames, citations), _arms(frames, citations)
    else:
        training, arms = given_text(frames), ""
    scoring, testing = _scoring(frames, citations), testing_text(frames, comparison, citations)
    paragraphs = [text for text in (training, arms, scoring, testing, _software(frames, comparison, citations)) if text]
    return paragraphs, citations.references()


def _software(frames: StudyFrames, comparison: Comparison, citations: Citations) -> str:
    sentences, sources = software_sentences(frames, comparison)
    citations.cite(*sources)
    return " ".join([*sentences, own_parts_sentence(frames)]).strip()


def _training(frames: StudyFrames, citations: Citations) -> str:
    baseline_cells = frames.cells[frames.cells["is_baseline"]]
    if baseline_cells.empty:
        return ""
    row = baseline_cells.iloc[0]
    config = row["config"]
    kind = config["net"]["kind"]
    size = f" ({int(row['parameters']):,} parameters)" if row["parameters"] == row["parameters"] else ""
    objective = config.get("objective", "simple")
    loss = f"the objective {value_in_words(objective)}"
    if isinstance(objective, str):
        loss = OBJECTIVES[objective].format(
            weighting=citations.setting(config, "weighting") if objective != "vlb" else "",
            vlb_weight=config.get("vlb_weight"),
        )
    precision = PRECISIONS.get(config["precision"], config["precision"])
    label = NETS[kind].label if kind in NETS else f"net of kind {kind}"
    if kind == "own":
        label = f"net of our own, {config['net']['part']}"
    return (
        f"Denoising diffusion probabilistic models{citations.cite('Ho et al. 2020')} were trained on "
        f"{config['data'].get('part', {}).get('part', config['data']['name']).replace('_', ' ')} with a {label}{size}, "
        f"T = {config['T']:,}, schedule {citations.setting(config, 'schedule')}, target "
        f"{citations.setting(config, 'target')} and {loss}, for "
        f"{row['steps'] * config['batch']:,} images ({row['steps']:,} steps of {config['batch']}) with "
        f"{citations.setting(config, 'optimizer')} at a learning rate of {shortest(config['lr'])} "
        f"({value_in_words(config['lr_schedule']).replace('_', ' ')}), in {precision}"
        f"{_other_settings(TrainSettings(), config, TRAINING_FIELDS, citations)}{_beginning(config)}."
    )


def _beginning(config: Mapping[str, Any]) -> str:
    """What weights the trainings began with, as a clause; empty for those of their seed."""
    weights = config.get("init_from")
    return f"; they began with the weights of sha256 {weights['sha256'][:16]}" if weights else ""


def _other_settings(
    defaults: TrainSettings | EvalConfig, config: Mapping[str, Any], named_fields: Iterable[str], citations: Citations
) -> str:
    """The settings that no sentence names and that are not the usual ones, as a clause; empty for none."""
    kind = LabelSettings if isinstance(defaults, TrainSettings) else CheckpointSettings
    default = with_defaults(kind, defaults.model_dump(mode="json"))
    changed = [
        name for name in default if name not in named_fields and config.get(name, default[name]) != default[name]
    ]
    measured = [f"{name} = {citations.setting(config, name)}" for name in changed]
    return f"; other settings: {', '.join(measured)}" if measured else ""


def _arms(frames: StudyFrames, citations: Citations) -> str:
    confirmed = frames.cells[frames.cells["phase"] == Phase.CONFIRM]
    arms = frames.arms[~frames.arms["is_baseline"] & frames.arms["arm_id"].isin(confirmed["arm_id"])]
    if arms.empty:
        return ""
    sources = [
        SOURCES.get((field, _hashable(value))) for changes in arms["changes"] for field, value in changes.items()
    ]
    names = join_words(list(arms["says"])) if len(arms) <= 8 else quantity(len(arms), "arm")
    used = confirmed.loc[confirmed["status"] == CellStatus.DONE, "replicate"].nunique()
    text = f"Each arm differs from this baseline in the settings of its name: {names}{citations.cite(*sources)}."
    if used:
        text += (
            f" {quantity(used, 'training seed')} {'was' if used == 1 else 'were'} used. "
            "With one seed every arm has the same random numbers for initialisation, data order and noise."
        )
    return text + _explored(frames, citations)


def _explored(frames: StudyFrames, citations: Citations) -> str:
    """How exploratory runs led to what is compared; empty without any."""
    runs = int((frames.cells["phase"] == Phase.SEARCH).sum())
    return " " + frames.study_ref.design.methods_text(runs, citations.cite) if runs else ""


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else None


def _scoring(frames: StudyFrames, citations: Citations) -> str:
    scores = frames.scores[frames.scores["is_primary"]]
    if scores.empty:
        return ""
    config, protocol = scores.iloc[0]["eval_config"], frames.protocol
    if not frames.study_ref.design.trains:
        return _distances(scores, protocol, citations)
    sets, per_seed = len(protocol.get("noise_sets", ())) or 1, is_noise_per_seed(protocol)
    shares = [percent(share) for share in (frames.spec.get("protocol") or {}).get("along", ()) if share < 1.0]
    earlier = f" Runs were also scored as they were after {join_words(shares)} of their training." if shares else ""
    return (
        f"Images were sampled with the {citations.setting(config, 'sampler')} sampler, {config['sampling_steps']} "
        "steps, "
        f"{_weights(config)}{_other_settings(EvalConfig(), config, SCORING_FIELDS, citations)}: "
        f"{protocol.get('n', 0):,} in each of "
        f"{quantity(sets, 'noise set')}, which are the same for all {'arms of a seed' if per_seed else 'runs'}. "
        f"{_distances(scores, protocol, citations)}{earlier}"
    )


def _weights(config: Mapping[str, Any]) -> str:
    """Which average of the weights drew the images."""
    if config.get("ema_std") is not None:
        return f"power-function EMA of relative width {shortest(config['ema_std'])}"
    if not config["ema_decay"]:
        return "raw weights"
    start = config.get("ema_start", "corrected")
    return f"EMA decay {shortest(config['ema_decay'])}" + (f" that starts by {start}" if start != "corrected" else "")


def _distances(scores: pd.DataFrame, protocol: Mapping[str, Any], citations: Citations) -> str:
    """Who computed what of which images."""
    measured = set(scores["metric"])

    def named(names: Iterable[str]) -> str:
        return join_words(
            [
                label_of(name, protocol).removesuffix(CLASSIFIER).removesuffix(OWN_FEATURES)
                + citations.cite(METRICS[name].source)
                for name in names
                if name in measured
            ]
        )

    fidelity = f"torch-fidelity{citations.cite('Obukhov et al. 2020')}"
    weights = str(protocol.get("extractor_sha256", ""))[:8]
    own = protocol.get("extractor_part")
    which = f"our own extractor {own['part']} (sha256 {weights})" if own else f"a classifier (weights sha256 {weights})"
    features = (
        "Inception features"
        if protocol.get("extractor") == "inception"
        else f"features of {which}, which cannot be compared with published values"
    )
    parts = [
        (named(FEATURE_METRICS), f"with {fidelity}"),
        (named(BY_OUR_CODE), "with ddpm-sweep's own code"),
    ]
    by = [f"{names} {how}" for names, how in parts if names]
    text = f"Against the {protocol.get('reference', 'train')} split, on {features}, we computed {'; '.join(by)}."
    near = [name for name in ("precision", "recall", "density", "coverage") if name in measured]
    if near:
        text += f" {join_words(near).capitalize()} are computed from at most {COMPARED_ROWS:,} images of each side."
    if LOGIT_METRIC in measured:
        text += f" {named([LOGIT_METRIC])} was computed from the extractor's logits with {fidelity}."
    if elsewhere := named(OTHER_METRICS):
        text += f" We also computed {elsewhere} with ddpm-sweep's own code."
    return text
