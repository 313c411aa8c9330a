"""Large pictures in pieces."""
