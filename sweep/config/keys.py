"""Identity of runs and scores: a hash over exactly what changes their numbers."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweep.config.own_part import OwnPart
    from sweep.config.run import EvalConfig, Protocol, TrainConfig


def canonical_json(value: object) -> str:
    """The one spelling of a JSON value: sorted keys, no spaces, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def sha256_of(value: object) -> str:
    """Hash of a JSON value, independent of key order."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


# Defaults are left out of keys, so that a field added later leaves those of older runs and scores as they were.


def train_key(config: TrainConfig) -> str:
    """Identity of a run."""
    fields = config.model_dump(mode="json", exclude_defaults=True)
    # The kind of net is always in: it says which defaults are meant.
    fields["net"] = {"kind": config.net.kind} | config.net.model_dump(mode="json", exclude_defaults=True)
    _leave_out_types(fields)
    if config.data.sha256 is not None:
        # A folder is known by its images, wherever it lies.
        fields["data"] = config.data.model_dump(mode="json", exclude={"path"})
    if config.init_from is not None:
        fields["init_from"] = config.init_from.sha256
    if config.given is not None:
        # Known by its content, wherever it lies. Images have no noise, so the seed changes nothing.
        fields["given"] = config.given.sha256
        if config.given.is_images:
            fields = {name: fields[name] for name in ("data", "given") if name in fields}
    return sha256_of({"train": 1, "config": fields})


def protocol_key(protocol: Protocol) -> str:
    """Identity of a protocol: scores compare only where it is equal."""
    fields = protocol.model_dump(mode="json")
    _leave_out_types(fields)
    return sha256_of({"protocol": 1, "config": fields})


def part_sha256(part: OwnPart) -> str:
    """Identity of a part of a plugin: its source, its settings, and the content of the files that it reads."""
    fields = {"part": part.model_dump(mode="json")}
    _leave_out_types(fields)
    return sha256_of(fields)


def eval_key(config: EvalConfig, protocol: Protocol, *, step: int | None = None) -> str:
    """Identity of a score of a given run; of its weights at a rung, where a step is given.

    Args:
        config: How samples are drawn, and from which weights.
        protocol: Extractor, reference, number of images and noise sets of the score.
        step: Step of the rung whose weights are scored; None for the trained weights.
    """
    at = {} if step is None else {"step": step}
    fields = config.model_dump(mode="json", exclude_defaults=True)
    _leave_out_types(fields)
    return sha256_of({"eval": 1, "config": fields, "protocol": protocol_key(protocol)} | at)


def _leave_out_types(value: object) -> None:
    """What the settings of a plugin's part may be follows from its source, whose hash is in."""
    if isinstance(value, dict):
        if "source" in value:
            for name, parameter in (value.pop("parameters", None) or {}).items():
                if parameter["type"] == "file" and isinstance(value[name], dict):
                    value[name] = value[name]["sha256"]  # a file is known by its content, wherever it lies
        for inner in value.values():
            _leave_out_types(inner)
    elif isinstance(value, list):
        for inner in value:
            _leave_out_types(inner)


def derived_seed(*parts: object) -> int:
    """A 63-bit seed that depends on every part and on nothing else (never Python's salted `hash`)."""
    return int.from_bytes(hashlib.sha256(canonical_json(list(parts)).encode()).digest()[:8], "big") >> 1
