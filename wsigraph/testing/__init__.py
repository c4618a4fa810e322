"""Conformance kit: the checks every registered part meets, shipped so that a new part is tested in two lines."""
