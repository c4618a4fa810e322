"""Suites: one data set, or one made-up world, and the contests on it; one file each."""
