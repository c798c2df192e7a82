"""The pure part of a study: from its file to arms, cells, feasibility and cost.

No Optuna, no torch and no transaction: the same study gives the same plan everywhere. Start with `plan.py`. May
import the records of `store`, and of `training` and `data` what loads no torch.
"""
