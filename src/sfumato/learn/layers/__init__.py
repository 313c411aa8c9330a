"""Building blocks that several families share; each is usable by itself. What torch has is used from torch."""
