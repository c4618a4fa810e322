"""MILModel: an encoder, views and heads; the catalog of published combinations."""
