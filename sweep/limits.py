"""How large a study may be. Every bound on what a study file asks for is here, and nowhere else.

A study within these bounds is read, checked and planned in seconds. One beyond them is refused within two seconds and
200 MB, before the large thing is built. All of them are far above what anyone trains; `sweep/docs/security.md` lists
them for users.
"""

from __future__ import annotations

# Files

MAX_FILE_BYTES = 250_000
"""Size of a study file, or of a train config."""
MAX_EXTENDED_FILES = 10
"""Files that extend one another."""
MAX_DEPTH = 50
"""Lists and mappings inside each other in a study file."""
MAX_NODES = 20_000
"""Values in a study file: keys, items, lists and mappings."""
MAX_TEXT = 10_000
"""Characters of one text, such as the question."""
MAX_NAME = 100
"""Characters of the name of a factor, a level or an arm."""
MAX_DIGITS = 18
"""Digits of a whole number; every such number fits 64 bits."""
MAX_FORMULA = 300
"""Characters of a formula."""

# Studies

MAX_FACTORS = 100
MAX_LEVELS = 1_000
"""Levels of all factors of a study together."""
MAX_EVALUATION_LEVELS = 100
"""Scores of each run: one at the baseline's settings, and one for each other level of the evaluation factors."""
MAX_ARMS = 256
MAX_GENERATED_FACTORS = 12
"""Factors of a fraction that follow others: its defining relation has 2^12 words."""
MAX_SOUGHT_FACTORS = 11
"""Factors of a fraction whose generators are looked for; with more, a study states them."""
MAX_SEEDS = 1_000
MAX_CELLS = 20_000
"""Arms times seeds."""
MAX_SCORES = 100_000
"""Arms times seeds times evaluation levels."""
MAX_TRAININGS = 1_000_000
"""Of a study in all, the trials of a search or of tuning included."""
MAX_INTERIM_ANALYSES = 20
MAX_RUNGS = 20
MAX_LADDER_STEPS = 20
MAX_NOISE_SETS = 100
MAX_SAMPLES = 200_000
"""Generated images for each noise set."""

# Given items

MAX_GIVEN_BYTES = 8 * 2**30
"""Pixels of one folder or array of images that is scored: they are held in memory."""

# Trainings

MAX_T = 4_000
MAX_IMAGES = 10**12
"""Images seen by one training."""
MAX_BATCH = 1_000_000
MAX_STEPS = 2**31 - 1
"""Optimizer steps of one training; the database counts them in 32 bits."""
MAX_IMAGE_SIZE = 512
"""Height and width, pixels."""
MAX_PARAMETERS = 2_000_000_000
"""Weights of a net; the database counts them in 32 bits."""
MAX_CHANNELS = 16_384
MAX_WIDTH = 65_536
"""Units of a layer of a perceptron."""
MAX_LAYERS = 1_000
"""Hidden layers of a perceptron, or residual blocks of a U-Net at one resolution."""
MAX_RESOLUTIONS = 10
"""Resolutions of a U-Net: an image of 512 pixels can be halved 9 times."""
MAX_AVERAGES = 16
"""Power-function averages of one training."""
MAX_SNAPSHOTS = 256
"""Snapshots of all power-function averages of one training together."""
MAX_SHARES = 32
"""Shares of a training at which its runs are scored, too: each run keeps its weights at each."""
MAX_NOISED_TIMES = 50
"""Values of t that partial noising starts from."""

MAX_PLUGIN_BYTES = 250_000
"""Of one file of a plugin."""
MAX_PLUGINS = 32
"""Plugin files of one study, and modules of one plugin."""

# Commands

MAX_DURATION_DAYS = 100_000_000
"""Of a budget or a time limit: 10,000 devices for 27 years."""

MAX_WORKERS = 1_000
"""Worker processes of one launch."""
MAX_THREADS = 4_096
"""CPU threads of one worker."""
