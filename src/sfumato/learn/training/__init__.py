"""Training: a config, an objective, one loop, a state that resumes exactly, listeners that watch."""
