"""Predictions, metrics, intervals, paired tests and heatmaps as arrays."""
