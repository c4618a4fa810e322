"""Terms of the loss: read outputs, own their decoders, never call a model."""
