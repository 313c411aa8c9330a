"""Damaged pictures restored."""
