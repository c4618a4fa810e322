"""Ground floor: the values that travel through the house. Nothing here computes or touches files."""
