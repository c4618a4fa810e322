"""Whole jobs: prepare a cohort, fit, cross-validate, predict, demo."""
