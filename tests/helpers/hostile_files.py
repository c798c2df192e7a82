"""Study files, formulas and names that try to hang, fill, leave or enter the machine that reads them."""

from __future__ import annotations

import json

TOUCH = "import os; os.system('touch executed')"
HEAD = "name: hostile\nquestion: Does it stop?\n"
WORDS = "&a [x,x,x,x,x,x,x,x,x]" + "".join(
    f",&{b} [{','.join(['*' + a] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


def baseline(lines: str, *, rest: str = "") -> str:
    return f"{HEAD}baseline: {{data: digits, net: unet_8, {lines}}}\n{rest}"


def factors(lines: str, *, rest: str = "") -> str:
    return f"{HEAD}baseline: {{data: digits, net: unet_8}}\nfactors:\n{lines}\n{rest}"


def net(lines: str) -> str:
    return f"{HEAD}baseline: {{data: digits, net: {{{lines}}}}}\n"


def search(design: str, *, protocol: str = "n: 2000") -> str:
    return factors(
        "  lr: {role: nuisance, range: [1e-4, 1e-2]}",
        rest=f"design: {{kind: search, {design}}}\nprotocol: {{{protocol}}}\n",
    )


def two_level(count: int) -> str:
    """Two-level factors of different fields, at most 12."""
    fields = {
        "schedule": "cosine",
        "target": "v",
        "loss": "huber",
        "optimizer": "adamw",
        "weighting": "min_snr",
        "lr_schedule": "cosine",
        "flip": "true",
        "warmup_images": "1k",
        "batch": 64,
        "eps": "1e-6",
        "weight_decay": 0.1,
        "zero_terminal_snr": "true",
    }
    return "\n".join(
        f"  {name}: {{role: scientific, levels: [{level}]}}" for name, level in list(fields.items())[:count]
    )


POSITIVE = ("eps", "gamma", "p2_k", "vlb_weight", "p2_gamma", "loss_delta", "grad_clip")


def numbers(count: int) -> str:
    return ", ".join(f"{1e-6 * (index + 1):.8g}" for index in range(count))


def ladder(count: int) -> str:
    return ", ".join(f"{{n: {index + 4}}}" for index in range(count))


def steps(count: int) -> str:
    return ", ".join(str(index + 2) for index in range(count))


YAML = {
    "aliases in a key": f"? [{WORDS}]\n: 1\n",
    "aliases in values": f"{HEAD}cites: [{WORDS}]\n",
    "an alias of itself": f"{HEAD}cites: &a [*a]\n",
    "an alias once": f"{HEAD}cites: &a x\nbaseline: *a\n",
    "a merge of an alias": f"{HEAD}cites: &a {{T: 5}}\nbaseline: {{<<: *a}}\n",
    "a merge key": f"{HEAD}baseline: {{<<: {{T: 5}}}}\n",
    "lists in lists": "a: " + "[" * 100_000,
    "mappings in mappings": "{a: " * 50_000,
    "indented mappings": "".join(" " * depth + "a:\n" for depth in range(600)),
    "dashes": "- " * 100_000,
    "question marks": "? " * 100_000,
    "a huge text": f"{HEAD}cites: {'x' * 240_000}\n",
    "a huge quoted text": f'{HEAD}cites: "{"x" * 120_000}{chr(92)}n"\n',
    "a huge key": f"{'k' * 240_000}: 1\n",
    "a huge indented text": f"{HEAD}cites: |\n" + " x\n" * 80_000,
    "a huge file": "x: " + "a" * 1_000_001,
    "a hundred thousand items": f"{HEAD}cites: [{'1,' * 100_000}]\n",
    "a hundred thousand empty items": f"{HEAD}cites: [{'[],' * 80_000}]\n",
    "thousands of keys": HEAD + "".join(f"k{index}: 1\n" for index in range(20_000)),
    "comments alone": "#\n" * 120_000,
    "line breaks alone": "\n" * 249_000,
    "directives": "%F\n" * 80_000,
    "documents": "---\n" * 60_000,
    "a call": f"name: !!python/object/apply:os.system [touch executed]\n{HEAD}",
    "a call in a key": f'? !!python/object/apply:exec ["{TOUCH}"]\n: 1\n',
    "a new object": f'cites: !!python/object/new:exec ["{TOUCH}"]\n{HEAD}',
    "a module": f"cites: !!python/module:antigravity\n{HEAD}",
    "a name": f"cites: !!python/name:os.system\n{HEAD}",
    "bytes": f"{HEAD}cites: !!binary aGVsbG8=\n",
    "a set": f"{HEAD}cites: !!set {{a, b}}\n",
    "ordered pairs": f"{HEAD}cites: !!omap [a: 1]\n",
    "a moment that is none": f"{HEAD}cites: !!timestamp never\n",
    "a truth that is none": f"{HEAD}baseline: {{flip: !!bool maybe}}\n",
    "a number that is none": f"{HEAD}baseline: {{lr: !!float fast}}\n",
    "a tag of its own": f"{HEAD}cites: !mine x\n",
    "a tag by its address": f"{HEAD}cites: !<tag:yaml.org,2002:python/name:os.system> x\n",
    "a tag that is not declared": f"{HEAD}cites: !e!x y\n",
    "a NUL": f'{HEAD}cites: "a{chr(92)}0b"\n',
    "a terminal escape": f'{HEAD}"{chr(92)}e[2J": 1\n',
    "half a surrogate pair": f'{HEAD}cites: "{chr(92)}ud800"\n',
    "a list for a key": "? [a, b]\n: 1\n",
    "UTF-16": HEAD.encode("utf-16"),
    "an archive": b"PK\x03\x04" + bytes(range(256)) * 20,
}

NUMBERS = {
    "ten thousand digits": f"{HEAD}seeds: {'9' * 9_999}\n",
    "digits beyond 64 bits": f"{HEAD}first_seed: {'9' * 30}\n",
    "beyond any float": baseline("lr: 1e999"),
    "not a number": baseline("lr: .nan"),
    "1e9 timesteps": baseline("T: 1000000000"),
    "as many betas": baseline(f"T: 4000, schedule: custom, schedule_betas: [{numbers(4_001)}]"),
    "1e9 sampling steps": baseline("sampling_steps: 1000000000"),
    "a batch of 1e12": baseline("batch: 1000000000000, images: 1000000000000"),
    "1e21 images": baseline("images: 999999999999G"),
    "steps beyond 32 bits": baseline("batch: 1, images: 1000G"),
    "images of 1e6 pixels": f"{HEAD}baseline: {{data: {{name: image_folder, path: x, size: 1000000}}}}\n",
    "1e6 channels": f"{HEAD}baseline: {{net: {{preset: unet_8, channels: 1000000}}}}\n",
    "a net of 1e12 parameters": net("preset: unet_8, channels: 16384, channel_mults: [1, 16384]"),
    "thousands of resolutions": f"{HEAD}baseline: {{net: {{preset: unet_8, channel_mults: [{'1, ' * 5_000}]}}}}\n",
    "1e9 residual blocks": f"{HEAD}baseline: {{net: {{preset: unet_8, res_blocks: 1000000000}}}}\n",
    "1e9 layers": f"{HEAD}baseline: {{net: {{preset: mlp, depth: 1000000000}}}}\n",
    "1e9 units": f"{HEAD}baseline: {{net: {{preset: mlp, width: 1000000000}}}}\n",
    "a perceptron of 1e12 parameters": f"{HEAD}baseline: {{net: {{preset: mlp, width: 65536, depth: 1000}}}}\n",
    "a list for a preset": f"{HEAD}baseline: {{net: {{preset: [unet_8]}}}}\n",
    "thousands of averages": baseline(f"power_ema: [{'0.1, ' * 5_000}]"),
    "thousands of snapshots": baseline(f"power_ema: [{numbers(16)}], power_ema_snapshots: 256"),
    "an average of too many snapshots": baseline("power_ema: [0.1], power_ema_snapshots: 256, ema_std: 0.01"),
    "thousands of noised t": baseline(f"partial_noising: [{'1, ' * 5_000}]"),
    "1e12 samples": f"{HEAD}protocol: {{n: 1000000000000}}\n",
    "1e9 noise sets": f"{HEAD}protocol: {{noise_sets: 1000000000}}\n",
}

GENERATED = "".join(f"\n  x{i}: {{role: scientific, levels: {{a: {{lr: {i + 1}e-6}}}}}}" for i in range(26))
GENERATORS = ", ".join(f"x{i}: [schedule, target]" for i in range(26))
SIZES = {
    "1e9 seeds": f"{HEAD}seeds: 1000000000\n",
    "1e9 trials": search("trials: 1000000000"),
    "1e9 confirmations": search("trials: 3, confirm: 1000000000"),
    "1e9 trials of tuning": factors("  lr: {role: nuisance, range: [1e-4, 1e-2]}", rest="tune: {trials: 1000000000}\n"),
    "1e9 seeds of a round": factors(two_level(3), rest="design: {kind: path, round_seeds: 1000000000}\n"),
    "an analysis after 1e9 seeds": f"{HEAD}interim_analyses: {{at: [3, 1000000000]}}\n",
    "an analysis after each seed": f"{HEAD}seeds: 1000\ninterim_analyses: {{at: {json.dumps(list(range(3, 1001)))}}}\n",
    "thousands of rungs": search(f"pruner: {{kind: asha, rungs: [{numbers(9_000)}]}}"),
    "thousands of ladder steps": search("trials: 3", protocol=f"n: 200000, ladder: [{ladder(5_000)}]"),
    "a factorial of millions": factors(
        "\n".join(f"  {name}: {{role: scientific, levels: [{steps(9)}]}}" for name in POSITIVE),
        rest="design: factorial\n",
    ),
    "twenty thousand evaluation levels": factors(f"  sampling_steps: {{role: evaluation, levels: [{steps(18_000)}]}}"),
    "a thousand evaluation levels": factors(f"  sampling_steps: {{role: evaluation, levels: [{steps(900)}]}}"),
    "thousands of levels": factors(f"  lr: {{role: scientific, levels: [{numbers(15_000)}]}}"),
    "hundreds of arms": factors(f"  lr: {{role: scientific, levels: [{numbers(900)}]}}"),
    "thousands of factors": factors("\n".join(f"  f{index}: {{role: fixed}}" for index in range(6_000))),
    "two hundred thousand cells": factors(
        f"  lr: {{role: scientific, levels: [{numbers(200)}]}}", rest="seeds: 1000\n"
    ),
    "a relation of 2^26 words": factors(
        two_level(12) + GENERATED,
        rest=f"design: {{kind: fractional, generators: {{{GENERATORS}}}}}\n",
    ),
    "a fraction of 2^12 runs": factors(
        two_level(12) + "\n  gamma: {role: scientific, levels: [3.0]}",
        rest="design: {kind: fractional, generators: {gamma: [schedule, target, loss, optimizer]}}\n",
    ),
    "a level with a huge name": factors(f"  lr: {{role: scientific, levels: {{{'n' * 900}: {{lr: 1e-3}}}}}}"),
    "a field with a huge name": factors(f"  lr: {{role: scientific, levels: {{a: {{{'n' * 900}: 1}}}}}}"),
    "a level that is a huge list": factors(f"  lr: {{role: scientific, levels: [[{numbers(4_000)}]]}}"),
}

STUDIES: dict[str, str | bytes] = YAML | NUMBERS | SIZES

FORMULAS = [
    "9**9**9",
    "10**400",
    "-10**400",
    "9" * 300,
    "1e999",
    "1/0",
    "0/0",
    "0x" + "f" * 290,
    "0b1",
    "0o7",
    "1j",
    "1_0L",
    "u" * 301,
    "(" * 150 + "u" + ")" * 149,
    "(" * 149 + "u" + ")" * 149 + "+",
    "-" * 299 + "v",
    "u" + "**u" * 99 + "**v",
    "exp(" * 74 + "u" + ")" * 74,
    "+".join("9" * 149),
    "*".join(["9e99"] * 50),
    "u.__class__",
    "().__class__",
    "u[0]",
    "__import__('os').system('touch executed')",
    f"exec('{TOUCH}')",
    "eval('1')",
    "open('executed', 'w')",
    "exp",
    "exp(u, u)",
    "exp(x=u)",
    "exp(*u)",
    "(lambda: 1)()",
    "[u for u in u]",
    "{u: u}",
    "u if u else 1",
    "u > 1",
    "u // 2",
    "u % 2",
    "u @ u",
    "~u",
    "True",
    "None",
    "'u' * 10**9",
    "f'{u}'",
    "u; u",
    "(u := 2)",
    "\N{FULLWIDTH LATIN SMALL LETTER U}",
    "1if 1else u",
    "2exp(u)",
    "",
    " ",
    "u +",
    "# u",
    "u\nu",
    "await u",
    "yield",
    "...",
]
"""None of them is a schedule; some are arithmetic that ends in infinity or outside (0, 1]."""

NAMES = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "/etc/passwd",
    "-rf",
    "A",
    "a b",
    "a\nb",
    "a\n",
    "\N{LATIN SMALL LETTER E WITH ACUTE}",
    "x" * 65,
    "index.html/",
    "$(touch executed)",
    "a;touch executed",
    "a\x1b[2J",
    "~",
    "%2e%2e",
    "a\\b",
]


def with_formula(formula: str) -> str:
    return baseline(f"T: 100, schedule: custom, schedule_formula: {json.dumps(formula)}")


def with_name(name: str) -> str:
    return f"name: {json.dumps(name)}\nquestion: Does it stop?\nbaseline: {{data: digits, net: unet_8}}\n"
