"""MILModel: an encoder, views and heads."""
