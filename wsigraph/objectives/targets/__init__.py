"""What a decoder rebuilds at hidden patches, one target per file."""
