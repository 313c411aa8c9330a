"""The restorer that a generator's run trains besides: the shipped denoiser, fine-tuned on the same pictures.

Its run lies in a folder of the generator's run and holds out the same pictures. The run's model file then holds both.
"""

import dataclasses
from pathlib import Path

from sfumato.errors import Setting, UsageError
from sfumato.files import write_whole
from sfumato.models.engine import read_file
from sfumato.models.model_file import read

from ..catalog import FAMILIES
from ..joining import joined
from ..networks.generator import Generator
from .config import TrainConfig
from .recipes import RECIPES
from .transfer import card_of

FOLDER = "restorer"  # in the generator's run
BEGINS_WITH = "denoise-fast"
LR = 4e-4
SMALLEST_PATCH = 32
LIKE_GENERATORS = "like_generators"  # of its options: which pictures are held out
PASSED_ON = ("data", "val", "seed", "precision", "compile", "workers", "threads", "log_every")


def check(config: TrainConfig) -> None:
    """Raise UsageError where the network that is trained is no generator."""
    if not issubclass(FAMILIES[config.family].network, Generator):
        raise UsageError(
            f"{config.name}: ", Setting("restorer"), f" is for recipes that generate pictures; {config.name} does not."
        )


def config_for(config: TrainConfig) -> TrainConfig:
    """The run of the restorer beside that of a generator."""
    own, card = RECIPES[BEGINS_WITH](), card_of(BEGINS_WITH)
    seconds = config.seconds * config.restorer
    steps = max(round(config.steps * config.restorer), 1) if config.steps else 0
    length = seconds or steps
    patch = -(-min(config.sample_size) // 16) * 16  # no larger than what is generated, and no larger than usual
    return dataclasses.replace(
        own,
        **{name: getattr(config, name) for name in PASSED_ON},
        model=card.config,
        started_from=BEGINS_WITH,
        seconds=seconds,
        steps=steps,
        lr=LR,
        patch=min(max(patch, SMALLEST_PATCH), own.patch),
        options={LIKE_GENERATORS: True},
        validate_every=min(own.validate_every, length / 4),
        save_every=min(own.save_every, length / 8),
    )


def add_to(file: Path, restorer: Path) -> None:
    """Put the restorer's network into the generator's file."""
    generator, other = read_file(file), read_file(restorer)
    card = read(generator, where=str(file)).card
    size = "x".join(str(length) for length in reversed(card.size))
    summary = f"Generates pictures of {size}, and removes noise of sigma 0-75 from pictures of that kind."
    write_whole(file, joined(generator, other, summary=summary))
