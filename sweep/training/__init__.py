"""One training, whole: given a config, a dataset and a folder, to trained weights. Knows no store and no search."""
