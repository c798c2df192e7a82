"""Noise-prediction networks: plain torch modules `net(x, i)` that know no schedule, no loss and no config."""
