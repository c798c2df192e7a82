"""A key holds everything that changes numbers, and nothing else."""

from __future__ import annotations

import pytest

from sweep.config.conditioning import LabelSettings
from sweep.config.earlier_weights import CheckpointSettings
from sweep.config.keys import derived_seed, eval_key, protocol_key, train_key
from sweep.config.own_part import OwnPart
from sweep.config.run import EvalConfig, Protocol, Setting, TrainConfig
from sweep.config.study import Study
from sweep.limits import MAX_NOISE_SETS, MAX_SEEDS
from sweep.planning.cells import SEARCH_SEED_OFFSET

BASE = Setting(data="digits", net="unet_8")
PROTOCOL = Protocol(extractor="a", extractor_sha256="0" * 64, reference_sha256="1" * 64, n=100)

OTHER = {
    "data": "mnist",
    "net": "unet_28",
    "T": 999,
    "schedule": "cosine",
    "beta_1": 2e-4,
    "beta_T": 0.03,
    "zero_terminal_snr": True,
    "target": "v",
    "loss": "l1",
    "loss_delta": 0.5,
    "weighting": "p2",
    "weight_clip": [0, 1],
    "gamma": 4.0,
    "optimizer": "radam",
    "lr": 1e-4,
    "betas": [0.9, 0.99],
    "eps": 1e-6,
    "weight_decay": 0.1,
    "lr_schedule": "cosine",
    "warmup_images": 10,
    "grad_clip": None,
    "batch": 64,
    "images": 1_000,
    "flip": True,
    "precision": "bf16",
    "ema_decay": 0.9,
    "sampler": "ancestral",
    "sampling_steps": 49,
    "spacing": "leading",
    "eta": 0.5,
    "variance": "fixed_large",
    "x0_clip": "none",
    "p2_gamma": 0.5,
    "p2_k": 2.0,
    "objective": "vlb",
    "vlb_weight": 0.01,
    "learned_variance": True,
    "t_sampling": "importance",
    "contrastive_weight": 0.1,
    "contrastive_temperature": 0.5,
    "dispersive_weight": 0.5,
    "dispersive_tau": 1.0,
    "perceptual_weight": 0.1,
    "loss_term": {"kind": "own", "part": "mine", "source": "0" * 64, "parameters": {}},
    "init_from": {"path": "a.safetensors", "sha256": "0" * 64},
    "schedule_formula": "1 - u",
    "schedule_betas": [0.1, 0.2],
    "power_ema": [0.05, 0.1],
    "power_ema_snapshots": 4,
    "ema_std": 0.07,
    "bits_per_dim": 20,
    "fid_test": True,
    "neighbours": 100,
    "partial_noising": [100, 300],
    "ema_start": "ramp",
    "conditional": True,
    "label_dropout": 0.1,
    "guidance_scale": 1.5,
    "guidance_interval": [0.1, 3.0],
    "guidance_kind": "autoguidance",
    "training_share": 0.5,
    "guidance_at": 0.5,
    "extra_metrics": [{"kind": "own", "part": "mine", "source": "0" * 64, "parameters": {}}],
}


def key(setting: Setting, *, seed: int = 0, decays: tuple[float, ...] = (0.9,), starts=()) -> str:
    return train_key(setting.train_config(seed=seed, ema_decays=decays, ema_starts=starts))


def test_every_setting_is_in_exactly_one_key():
    assert set(OTHER) == set(Setting.model_fields) - {"own_parts", "given"}  # what other fields may name
    for field, value in OTHER.items():
        other = Setting.model_validate(BASE.model_dump() | {field: value})
        assert other != BASE, field
        trains = key(other) != key(BASE)
        evaluates = eval_key(other.eval_config(), PROTOCOL) != eval_key(BASE.eval_config(), PROTOCOL)
        assert trains != evaluates, field


@pytest.mark.parametrize("change", [{"seed": 1}, {"decays": (0.9, 0.99)}, {"starts": (("ramp", 0.9),)}])
def test_seed_and_tracked_averages_are_in_the_train_key(change):
    assert key(BASE, **change) != key(BASE)


def test_a_preset_and_its_sizes_are_the_same_run():
    written_out = BASE.model_dump()["net"]
    assert key(Setting(data="digits", net=written_out)) == key(BASE)


def test_order_of_fields_and_kinds_of_number_do_not_matter():
    shuffled = dict(reversed(list(BASE.model_dump().items())))
    assert key(Setting.model_validate(shuffled | {"lr": 0.0002})) == key(BASE)
    assert key(Setting.model_validate(BASE.model_dump() | {"grad_clip": 1})) == key(BASE)


def test_a_field_added_later_with_a_default_leaves_old_keys():
    class Later(TrainConfig):
        new_idea: bool = False

    config = BASE.train_config(seed=0, ema_decays=())
    assert train_key(Later.model_validate(config.model_dump())) == train_key(config)
    assert train_key(Later.model_validate(config.model_dump() | {"new_idea": True})) != train_key(config)


def test_keys_do_not_change_between_versions():
    """Runs in people's stores are found by these. Change none; a new meaning gets a new name."""
    config = Setting(data="digits", net="unet_8", T=200, lr=1e-3).train_config(seed=3, ema_decays=(0.99,))
    assert train_key(config) == "6340b8182c784efee19dc7acac20c0f050a03b051c279862e1e455cc85ca1ce2"
    assert (
        eval_key(EvalConfig(sampling_steps=20), PROTOCOL)
        == "d3344441cddc48b8b4538ffc402adfe793fb805b5248842433e114583ab16353"
    )


def test_settings_of_classes_and_guidance_are_in_no_dump_at_their_defaults():
    """Stored studies are compared by their dumps, and a new field in them would be taken for a change."""
    names = {*LabelSettings.model_fields, *CheckpointSettings.model_fields}
    assert not names & BASE.model_dump().keys()
    changed = Setting.model_validate(BASE.model_dump() | {name: OTHER[name] for name in names})
    assert names <= changed.model_dump().keys()
    assert Setting.model_validate(changed.model_dump()) == changed


def test_protocols_differ_in_every_field():
    keys = {protocol_key(PROTOCOL)}
    changes = [
        {"extractor": "b"},
        {"extractor_sha256": "2" * 64},
        {"reference": "test"},
        {"reference_sha256": "2" * 64},
        {"n": 101},
        {"noise_sets": (0, 1)},
        {"noise": "per_seed"},
        {"extractor_part": OwnPart(part="mine", source="0" * 64, parameters={})},
    ]
    for change in changes:
        keys.add(protocol_key(PROTOCOL.model_copy(update=change)))
    assert len(keys) == 1 + len(changes)
    assert {next(iter(change)) for change in changes} == set(Protocol.model_fields)


def test_noise_that_runs_share_is_in_no_dump_so_that_old_scores_are_found():
    assert "noise" not in PROTOCOL.model_dump(mode="json")
    assert "noise" not in Study(name="s", question="?").model_dump(mode="json")["protocol"]
    per_seed = PROTOCOL.model_copy(update={"noise": "per_seed"})
    assert Protocol.model_validate(per_seed.model_dump(mode="json")) == per_seed
    assert eval_key(EvalConfig(), per_seed) != eval_key(EvalConfig(), PROTOCOL)


def test_a_seed_has_noise_sets_of_its_own():
    per_seed = PROTOCOL.model_copy(update={"noise": "per_seed"})
    seeds = [0, 1, 2**31 - 1, SEARCH_SEED_OFFSET, 2**31 - 1 + SEARCH_SEED_OFFSET + MAX_SEEDS]
    streams = {per_seed.noise_stream(noise_set, seed=seed) for seed in seeds for noise_set in range(MAX_NOISE_SETS)}
    assert len(streams) == len(seeds) * MAX_NOISE_SETS
    assert per_seed.noise_stream(99, seed=2**63 - 1) < 2**64
    assert {PROTOCOL.noise_stream(2, seed=seed) for seed in seeds} == {2}


def test_only_inception_gives_a_plain_fid():
    assert PROTOCOL.label == "FCD-00000000@100"
    assert PROTOCOL.model_copy(update={"extractor": "inception"}).label == "FID@100"


def test_seeds_depend_on_every_part_and_not_on_the_process():
    # First 63 bits of SHA-256 of the text ["noise",1,2].
    assert derived_seed("noise", 1, 2) == 3208305435644728740
    assert len({derived_seed("noise", a, b) for a in range(10) for b in range(10)}) == 100
