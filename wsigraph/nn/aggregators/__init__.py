"""Aggregators: all nodes of a slide to one bag vector, one file each."""
