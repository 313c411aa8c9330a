"""How near a set of pictures is to another: feature networks, distances of distributions, memorization."""
