"""Graph attention kernels, encoders, aggregators, heads, views and pure functions."""
