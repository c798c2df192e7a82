"""Frame in, matplotlib Figure out: these modules draw and compute nothing."""
