"""What was measured of a generating model file, with all that the figures depend on."""

from dataclasses import dataclass

from ..metrics.distribution import KID_SUBSETS, KernelDistance, PrecisionRecall
from ..metrics.memorization import Memorization

K = 3


@dataclass(frozen=True)
class GenerationScore:
    """What was measured, with all that the figures depend on; `lines` says it in words.

    real: the pictures compared with, in words. kid of the training pictures against the same ones is what a perfect
    copy of them would get (None where the real pictures are those trained on). memorization is over all training
    pictures; num_held_out is the number of those that set its threshold. megabytes: of the model file, None for an
    engine whose file is not known.
    """

    model: str
    size: tuple[int, int]
    channels: int
    sampling: str
    num_generated: int
    seed: int
    real: str
    num_real: int
    num_train: int
    num_held_out: int
    features: str
    background: str
    fid: float
    kid: KernelDistance
    kid_of_training: KernelDistance | None
    quality: PrecisionRecall
    num_quality: int
    memorization: Memorization
    samples_per_second: float
    device: str
    num_parameters: int
    megabytes: float | None
    notes: tuple[str, ...] = ()

    @property
    def near_copies(self) -> float:
        """The share of the samples that are nearer to a training picture than 99 % of the held-out ones are."""
        return self.memorization.share

    def lines(self) -> tuple[str, ...]:
        """The figures and their protocol, a line for each thing that is measured."""
        height, width = self.size
        kinds = {1: "grey", 3: "RGB", 4: f"RGBA over {self.background}"}
        quality, kernel = self.quality, self.kid
        floor = self.kid_of_training
        megabytes = "" if self.megabytes is None else f", {self.megabytes:.1f} MB"
        return (
            f"{self.model}: {self.num_generated} pictures of {width}x{height}, {kinds[self.channels]}, seed {self.seed}"
            f"{self.sampling}, against {self.num_real} pictures of {self.real}",
            f"features: {self.features}",
            f"FID {self.fid:.2f}, KID {1000 * kernel.mean:.2f} ± {1000 * kernel.std:.2f} x 1e-3 ({KID_SUBSETS} subsets "
            f"of {kernel.subset_size}, polynomial kernel of degree 3)"
            + ("" if floor is None else f"; KID of the training pictures themselves {1000 * floor.mean:.2f} x 1e-3"),
            f"precision {quality.precision:.3f}, recall {quality.recall:.3f}, density {quality.density:.3f}, "
            f"coverage {quality.coverage:.3f} (k = {K}, {self.num_quality} pictures each)",
            f"near-copies {self.near_copies:.1%} (nearer to one of {self.num_train} training pictures than the 1st "
            f"percentile of {self.num_held_out} held-out ones, which is {self.memorization.threshold:.3g}; "
            f"{self.memorization.by_chance:.1%} would be as near to so many new ones)",
            f"{self.samples_per_second:.1f} pictures/s on {self.device}, {self.num_parameters:,} parameters{megabytes}",
            *self.notes,
        )
