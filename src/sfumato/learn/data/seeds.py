"""Seeds of single samples."""

import hashlib


def sample_seed(seed: int, index: int | str) -> int:
    """63 bits that follow from the run's seed and the sample's index, and nothing else."""
    return (
        int.from_bytes(
            hashlib.blake2b(f"{seed}:{index}".encode(errors="surrogateescape"), digest_size=8).digest(), "big"
        )
        >> 1
    )
