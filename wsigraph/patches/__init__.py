"""Pictures to numbers, arrays in and arrays out: tissue, tiling arithmetic, quality, patch encoders."""
