"""One LightningModule for every method, samplers, splits and recipes."""
