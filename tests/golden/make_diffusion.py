"""Write diffusion_schedules.json and diffusion_weightings.json: `python tests/golden/make_diffusion.py`.

Every formula is written out here a second time, from the papers, in mpmath at 50 digits, and in another form than the
library's where there is one (weights by the table of epsilon weights instead of by x_0 weights). Nothing of `sweep` is
imported. Rows of `PUBLISHED` are numbers that others printed; they are copied as they stand.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from mpmath import cos, exp, inf, mp, mpf, pi

mp.dps = 50
HERE = Path(__file__).parent
B1, BT = mpf(1) / 10000, mpf(2) / 100


def line(start: mpf, stop: mpf, T: int, t: int) -> mpf:
    return start if T == 1 else start + (stop - start) * (t - 1) / (T - 1)


def logistic(z: mpf) -> mpf:
    return 1 / (1 + exp(-z))


def by_alphas_bar(f: Callable[[mpf], mpf]) -> Callable[[int, int], mpf]:
    return lambda T, t: min(1 - f(mpf(t) / T) / f(mpf(t - 1) / T), mpf(999) / 1000)


def warm(percent: int) -> Callable[[int, int], mpf]:
    def beta(T: int, t: int) -> mpf:
        rising = T * percent // 100
        return line(B1, BT, rising, t) if t <= rising else BT

    return beta


def cosine(u: mpf) -> mpf:
    s = mpf(8) / 1000
    return cos((u + s) / (1 + s) * pi / 2) ** 2 / cos(s / (1 + s) * pi / 2) ** 2


def jabri(u: mpf) -> mpf:
    return (logistic(mpf(3)) - logistic(u * 6 - 3)) / (logistic(mpf(3)) - logistic(mpf(-3)))


MP = "mpmath, 50 digits: "
# name -> (beta(T, t), source)
SCHEDULES: dict[str, tuple[Callable[[int, int], mpf], str]] = {
    "linear": (lambda T, t: line(B1, BT, T, t), MP + "Ho et al. 2020, sec. 4"),
    "linear_scaled": (
        lambda T, t: line(B1 * 1000 / T, BT * 1000 / T, T, t),
        MP + "Nichol & Dhariwal 2021, released code",
    ),
    "cosine": (by_alphas_bar(cosine), MP + "Nichol & Dhariwal 2021, eq. 17"),
    "quadratic": (lambda T, t: line(B1**0.5, BT**0.5, T, t) ** 2, MP + "Ho et al. 2020, released code, quad"),
    "sigmoid_beta": (
        lambda T, t: logistic(line(mpf(-6), mpf(6), T, t)) * (BT - B1) + B1,
        MP + "ermongroup/ddim e8df66c, runners/diffusion.py:52-54",
    ),
    "sigmoid_alphas_bar": (by_alphas_bar(jabri), MP + "Chen 2023, sec. 2.2, start -3, end 3, tau 1"),
    "exponential_beta": (
        lambda T, t: B1 if T == 1 else B1 * (BT / B1) ** (mpf(t - 1) / (T - 1)),
        MP + "geometric progression from beta_1 to beta_T",
    ),
    "exponential_alphas_bar": (
        by_alphas_bar(lambda u: exp(-12 * u)),
        MP + "huggingface/diffusers 58eb52c, scheduling_ddpm.py:84-97, exp",
    ),
    "constant": (lambda _T, _t: BT, MP + "Ho et al. 2020, released code, const"),
    "warmup10": (warm(10), MP + "Ho et al. 2020, released code, warmup10"),
    "warmup50": (warm(50), MP + "Ho et al. 2020, released code, warmup50"),
    "jsd": (lambda T, t: mpf(1) / (T - t + 1), MP + "Sohl-Dickstein et al. 2015, sec. 2.4.1"),
}

MEASURED = "measured on openai/improved-diffusion 1bc7bbb, gaussian_diffusion.py, numpy float64"
PUBLISHED = [
    {"schedule": "linear", "T": 1000, "t": 1, "quantity": "alphas_bar", "value": 0.9999, "rel": 1e-12},
    {"schedule": "linear", "T": 1000, "t": 500, "quantity": "alphas_bar", "value": 0.07858724288177824, "rel": 1e-12},
    {
        "schedule": "linear",
        "T": 1000,
        "t": 1000,
        "quantity": "alphas_bar",
        "value": 4.035829765375676e-05,
        "rel": 1e-12,
    },
    {"schedule": "cosine", "T": 1000, "t": 1, "quantity": "alphas_bar", "value": 0.999958715775178, "rel": 1e-12},
    {"schedule": "cosine", "T": 1000, "t": 500, "quantity": "alphas_bar", "value": 0.4938435904406382, "rel": 1e-12},
    {
        "schedule": "cosine",
        "T": 1000,
        "t": 1000,
        "quantity": "alphas_bar",
        "value": 2.4287669070348567e-09,
        "rel": 1e-12,
    },
    {
        "schedule": "linear",
        "T": 1000,
        "t": 2,
        "quantity": "posterior_variance",
        "value": 5.4531876613e-05,
        "rel": 1e-10,
    },
    {
        "schedule": "linear",
        "T": 1000,
        "t": 488,
        "quantity": "posterior_variance",
        "value": 0.00979157198569,
        "rel": 1e-10,
    },
    {"schedule": "linear", "T": 1000, "t": 1000, "quantity": "posterior_variance", "value": 0.0199999835, "rel": 1e-8},
]


def chain(name: str, T: int) -> tuple[list[mpf], list[mpf]]:
    beta, _ = SCHEDULES[name]
    betas = [beta(T, t) for t in range(1, T + 1)]
    alphas_bar = [mpf(1)]
    for b in betas:
        alphas_bar.append(alphas_bar[-1] * (1 - b))
    return betas, alphas_bar


def schedule_rows() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, (_, source) in SCHEDULES.items():
        for T in (1, 2, 7, 100, 1000):
            if (name, T) in {("linear_scaled", 1), ("linear_scaled", 2), ("linear_scaled", 7)}:
                continue  # beta_T would be 20, 10 and 2.9: refused
            betas, alphas_bar = chain(name, T)
            for t in sorted({1, (T + 1) // 2, T}):
                values = {"beta": betas[t - 1], "alphas_bar": alphas_bar[t]}
                for quantity, value in values.items():
                    row = {"schedule": name, "T": T, "t": t, "quantity": quantity, "value": float(value)}
                    rows.append({**row, "rel": 1e-10, "source": source})
    return rows + [{**row, "source": MEASURED} for row in PUBLISHED]


def weights(name: str, betas: list[mpf], alphas_bar: list[mpf], t: int) -> dict[str, mpf]:
    """Weight on each target's squared error, from the weight on epsilon's."""
    b, a, prev = betas[t - 1], alphas_bar[t], alphas_bar[t - 1]
    snr, small = a / (1 - a), (1 - prev) / (1 - a) * b
    second = (1 - alphas_bar[1]) / (1 - alphas_bar[2]) * betas[1]
    kl = lambda variance: b**2 / (2 * variance * (1 - b) * (1 - a)) if variance > 0 else inf  # Ho eq. 12
    on_epsilon = {
        "simple": mpf(1),
        "vlb": kl(small),
        "vlb_log_clipped": kl(small if t > 1 else second),
        "vlb_fixed_large": kl(b),
        "snr_plus_one": 1 / a,
        "truncated_snr": max(mpf(1), 1 / snr),
        "min_snr": min(mpf(1), 5 / snr),
        "p2": 1 / (1 + snr),
    }
    if name == "uniform":
        return dict.fromkeys(("epsilon", "x0", "v", "posterior_mean"), mpf(1))
    w = on_epsilon[name]
    # mu = (x_t - beta / sqrt(1 - alphas_bar) epsilon) / sqrt(alpha), Ho et al. 2020, eq. 11
    mean_per_epsilon = b**2 / ((1 - a) * (1 - b))
    return {"epsilon": w, "x0": w * snr, "v": w * a, "posterior_mean": w / mean_per_epsilon}


WEIGHTING_SOURCES = {
    "simple": "Ho et al. 2020, eq. 14",
    "uniform": "by definition",
    "vlb": "Ho et al. 2020, eq. 12, sigma^2 = posterior variance",
    "vlb_log_clipped": "Ho et al. 2020, eq. 12, sigma_1^2 := posterior variance at t = 2",
    "vlb_fixed_large": "Ho et al. 2020, eq. 12, sigma^2 = beta",
    "snr_plus_one": "Salimans & Ho 2022, sec. 4",
    "truncated_snr": "Salimans & Ho 2022, sec. 4",
    "min_snr": "Hang et al. 2023, sec. 3.4, gamma 5",
    "p2": "Choi et al. 2022 (P2), k 1, gamma 1",
}
MEASURED_VLB = {  # measured on improved-diffusion's KL, three digits, t = 1, 2, 3, 50, T/2, T
    ("linear", 1000, "vlb"): {2: 0.600, 3: 0.318, 50: 0.0193, 500: 0.0055, 1000: 0.0102},
    ("linear", 1000, "vlb_fixed_large"): {1: 0.500, 2: 0.273, 3: 0.194, 50: 0.0186, 500: 0.0055, 1000: 0.0102},
    ("linear", 1000, "vlb_log_clipped"): {1: 0.917},
    ("cosine", 1000, "vlb"): {2: 0.559, 3: 0.292, 50: 0.0182, 500: 0.0031, 999: 1.50, 1000: 499.5},
    ("linear_scaled", 100, "vlb"): {2: 1.51, 3: 0.630, 100: 0.125},
}


def weighting_rows() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for schedule, T in (("linear", 1000), ("cosine", 1000), ("linear_scaled", 100)):
        betas, alphas_bar = chain(schedule, T)
        for name, source in WEIGHTING_SOURCES.items():
            for t in (1, 2, T // 2, T):
                for target, value in weights(name, betas, alphas_bar, t).items():
                    row = {"schedule": schedule, "T": T, "t": t, "weighting": name, "target": target}
                    # Infinity is not JSON.
                    number = "inf" if value == inf else float(value)
                    rows.append({**row, "value": number, "rel": 1e-9, "source": MP + source})
    for (schedule, T, name), values in MEASURED_VLB.items():
        for t, value in values.items():
            row = {"schedule": schedule, "T": T, "t": t, "weighting": name, "target": "epsilon", "value": value}
            rows.append({**row, "rel": 1e-2, "source": "measured KL of openai/improved-diffusion 1bc7bbb"})
    return rows


def write(name: str, rows: list[dict[str, object]]) -> None:
    lines = ",\n".join("  " + json.dumps(row) for row in rows)
    (HERE / name).write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    write("diffusion_schedules.json", schedule_rows())
    write("diffusion_weightings.json", weighting_rows())
