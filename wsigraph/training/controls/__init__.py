"""Controls: what is taken from a graph to see whether it was needed."""
