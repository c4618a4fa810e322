"""Encoders: a row-wise stem plus message passing, one file each."""
