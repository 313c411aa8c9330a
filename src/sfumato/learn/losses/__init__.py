"""Losses: tensors in, one number out; nothing here holds state."""
