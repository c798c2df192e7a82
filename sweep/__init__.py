"""Hyperparameter sweeps and ablations of denoising diffusion models."""

__version__ = "0.1.0"
