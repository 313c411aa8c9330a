"""Many picture files."""
