"""Heads: an aggregator and a classifier, one file each."""
