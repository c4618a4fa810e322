"""How fast: tiling and encoding, graph build, feature files, start-up. Reported, never asserted."""
