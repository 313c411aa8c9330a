"""Models that others trained, made into model files; and model files made into what other programs read."""
