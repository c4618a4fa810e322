"""Hard negative mining: which patches an encoder is fine-tuned on, from scores of a slide classifier."""
