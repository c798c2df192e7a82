"""The sources that a methods paragraph can cite, and what cites them."""

from __future__ import annotations

from typing import Any

REFERENCES: dict[str, str] = {
    "Ho et al. 2020": "Ho, Jain, Abbeel: Denoising Diffusion Probabilistic Models. NeurIPS 2020.",
    "Nichol & Dhariwal 2021": "Nichol, Dhariwal: Improved Denoising Diffusion Probabilistic Models. ICML 2021.",
    "Song et al. 2021": "Song, Meng, Ermon: Denoising Diffusion Implicit Models. ICLR 2021.",
    "Salimans & Ho 2022": "Salimans, Ho: Progressive Distillation for Fast Sampling of Diffusion Models. ICLR 2022.",
    "Lu et al. 2022": "Lu et al.: DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Models. 2022.",
    "Karras et al. 2022": (
        "Karras et al.: Elucidating the Design Space of Diffusion-Based Generative Models. NeurIPS 2022."
    ),
    "Ho & Salimans 2022": "Ho, Salimans: Classifier-Free Diffusion Guidance. 2022.",
    "Kynkaanniemi et al. 2024": (
        "Kynkäänniemi et al.: Applying Guidance in a Limited Interval Improves Sample and Distribution Quality in "
        "Diffusion Models. NeurIPS 2024."
    ),
    "Karras et al. 2024": "Karras et al.: Guiding a Diffusion Model with a Bad Version of Itself. NeurIPS 2024.",
    "Hang et al. 2023": "Hang et al.: Efficient Diffusion Training via Min-SNR Weighting Strategy. ICCV 2023.",
    "Choi et al. 2022": "Choi et al.: Perception Prioritized Training of Diffusion Models. CVPR 2022.",
    "Lin et al. 2023": "Lin et al.: Common Diffusion Noise Schedules and Sample Steps Are Flawed. WACV 2024.",
    "Sohl-Dickstein et al. 2015": (
        "Sohl-Dickstein et al.: Deep Unsupervised Learning using Nonequilibrium Thermodynamics. ICML 2015."
    ),
    "Jabri et al. 2022": "Jabri, Fleet, Chen: Scalable Adaptive Computation for Iterative Generation. ICML 2023.",
    "Xu et al. 2022": (
        "Xu et al.: GeoDiff: A Geometric Diffusion Model for Molecular Conformation Generation. ICLR 2022."
    ),
    "Saharia et al. 2022": (
        "Saharia et al.: Photorealistic Text-to-Image Diffusion Models with Deep Language Understanding. NeurIPS 2022."
    ),
    "Kingma & Ba 2015": "Kingma, Ba: Adam: A Method for Stochastic Optimization. ICLR 2015.",
    "Loshchilov & Hutter 2019": "Loshchilov, Hutter: Decoupled Weight Decay Regularization. ICLR 2019.",
    "Liu et al. 2020": "Liu et al.: On the Variance of the Adaptive Learning Rate and Beyond. ICLR 2020.",
    "Zhuang et al. 2020": "Zhuang et al.: AdaBelief Optimizer. NeurIPS 2020.",
    "Heusel et al. 2017": "Heusel et al.: GANs Trained by a Two Time-Scale Update Rule. NeurIPS 2017.",
    "Chong & Forsyth 2020": "Chong, Forsyth: Effectively Unbiased FID and Inception Score. CVPR 2020.",
    "Binkowski et al. 2018": "Bińkowski et al.: Demystifying MMD GANs. ICLR 2018.",
    "Salimans et al. 2016": "Salimans et al.: Improved Techniques for Training GANs. NeurIPS 2016.",
    "Kynkaanniemi et al. 2019": "Kynkäänniemi et al.: Improved Precision and Recall Metric. NeurIPS 2019.",
    "Naeem et al. 2020": "Naeem et al.: Reliable Fidelity and Diversity Metrics for Generative Models. ICML 2020.",
    "Obukhov et al. 2020": (
        "Obukhov et al.: High-fidelity performance metrics for generative models in PyTorch. 2020."
    ),
    "Paszke et al. 2019": (
        "Paszke et al.: PyTorch: An Imperative Style, High-Performance Deep Learning Library. NeurIPS 2019."
    ),
    "Harris et al. 2020": "Harris et al.: Array programming with NumPy. Nature 585, 2020.",
    "Virtanen et al. 2020": (
        "Virtanen et al.: SciPy 1.0: Fundamental Algorithms for Scientific Computing in Python. Nat. Methods 17, 2020."
    ),
    "Akiba et al. 2019": "Akiba et al.: Optuna: A Next-generation Hyperparameter Optimization Framework. KDD 2019.",
    "Dunnett 1955": (
        "Dunnett: A multiple comparison procedure for comparing several treatments with a control. J. Am. Stat. Assoc. "
        "50, 1955."
    ),
    "Dunnett & Tamhane 1991": (
        "Dunnett, Tamhane: Step-down multiple tests for comparing treatments with a control in unbalanced one-way "
        "layouts. Stat. Med. 10, 1991."
    ),
    "Sidak 1967": (
        "Šidák: Rectangular confidence regions for the means of multivariate normal distributions. J. Am. Stat. Assoc. "
        "62, 1967."
    ),
    "Welch 1947": (
        "Welch: The generalization of 'Student's' problem when several different population variances are involved. "
        "Biometrika 34, 1947."
    ),
    "Westfall & Young 1993": "Westfall, Young: Resampling-Based Multiple Testing. Wiley, 1993.",
    "Schuirmann 1987": (
        "Schuirmann: A comparison of the two one-sided tests procedure and the power approach for assessing the "
        "equivalence of average bioavailability. J. Pharmacokinet. Biopharm. 15, 1987."
    ),
    "Pocock 1977": "Pocock: Group sequential methods in the design and analysis of clinical trials. Biometrika, 1977.",
    "O'Brien & Fleming 1979": "O'Brien, Fleming: A multiple testing procedure for clinical trials. Biometrics, 1979.",
    "Jennison & Turnbull 2000": (
        "Jennison, Turnbull: Group Sequential Methods with Applications to Clinical Trials. 2000."
    ),
    "Wilcoxon 1945": "Wilcoxon: Individual comparisons by ranking methods. Biometrics Bulletin 1(6), 1945.",
}

# (field, value) of a setting -> its source
SOURCES: dict[tuple[str, Any], str] = {
    ("schedule", "linear"): "Ho et al. 2020",
    ("schedule", "quadratic"): "Ho et al. 2020",
    ("schedule", "constant"): "Ho et al. 2020",
    ("schedule", "warmup10"): "Ho et al. 2020",
    ("schedule", "warmup50"): "Ho et al. 2020",
    ("schedule", "linear_scaled"): "Nichol & Dhariwal 2021",
    ("schedule", "cosine"): "Nichol & Dhariwal 2021",
    ("schedule", "jsd"): "Sohl-Dickstein et al. 2015",
    ("schedule", "sigmoid_alphas_bar"): "Jabri et al. 2022",
    ("schedule", "sigmoid_beta"): "Xu et al. 2022",
    ("zero_terminal_snr", True): "Lin et al. 2023",
    ("target", "epsilon"): "Ho et al. 2020",
    ("target", "posterior_mean"): "Ho et al. 2020",
    ("target", "v"): "Salimans & Ho 2022",
    ("weighting", "simple"): "Ho et al. 2020",
    ("weighting", "vlb"): "Ho et al. 2020",
    ("weighting", "vlb_log_clipped"): "Ho et al. 2020",
    ("weighting", "snr_plus_one"): "Salimans & Ho 2022",
    ("weighting", "truncated_snr"): "Salimans & Ho 2022",
    ("weighting", "min_snr"): "Hang et al. 2023",
    ("weighting", "p2"): "Choi et al. 2022",
    ("optimizer", "adam"): "Kingma & Ba 2015",
    ("optimizer", "adamw"): "Loshchilov & Hutter 2019",
    ("optimizer", "radam"): "Liu et al. 2020",
    ("optimizer", "adabelief"): "Zhuang et al. 2020",
    ("sampler", "ancestral"): "Ho et al. 2020",
    ("sampler", "ddim"): "Song et al. 2021",
    ("sampler", "dpmpp_2m"): "Lu et al. 2022",
    ("sampler", "heun"): "Karras et al. 2022",
    ("x0_clip", "dynamic"): "Saharia et al. 2022",
    ("guidance_kind", "autoguidance"): "Karras et al. 2024",
}
