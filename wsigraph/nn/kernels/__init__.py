"""Graph operations over edges: the pure-torch reference."""
