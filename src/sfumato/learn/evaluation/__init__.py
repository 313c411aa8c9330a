"""Model files measured, each figure with its protocol."""
