"""Which recipe fits a folder of pictures, a machine and a time, with a sentence for each part of the answer."""

import json
import math
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from sfumato.conditions.text import LONGEST
from sfumato.errors import TrainingError
from sfumato.generation.generate import generate
from sfumato.models import zoo

from ..data.folders import list_pictures
from ..data.store import PictureStore
from ..evaluation.generation import bytes_of
from ..metrics.distribution import kid
from ..metrics.features import laid_over, network
from . import launch, own_restorer
from .config import TrainConfig
from .examination import Examination
from .objectives import objective_for
from .recipes import RECIPES
from .transfer import card_of, forgets_classes, is_coded

FEWEST = 20  # different pictures: of fewer a network repeats each
FLOW_FROM = 1000
CODES_FROM = 48  # pixels a side, from which a flow of codes comes farther in the time than one of pixels
CODE_STEP = 16  # pixels a side must be multiples of, for its autoencoder and flow
TUNED_BELOW = 300
# KID of a shipped model's samples, up to which it is near. From all emoji, those of one category are 0.01-0.13 away
# (symbols 0.17, flags 0.22), photographs 0.23, facades 0.31, digits 0.33; 150 pictures of 64x64 each.
NEAR = 0.15
CLASS_FROM = 30  # pictures of a class
SMALL_CLASSES = 0.05  # share of the pictures that may be of smaller classes
TRANSPARENT_FROM = 0.05  # share of pictures from which transparency is learned
MIRRORED_TO = 1.1
CAPTIONED_FROM = 0.5  # share of pictures with captions from which these are learned
SIDES = (256, 192, 128, 96, 64, 48, 32)
LARGEST = {"cpu": 64, "mps": 96}  # shorter side; other devices take all of SIDES
LARGEST_CODED = 128  # the same for a GAN of codes, which grow no faster than their autoencoder halves
CODED_START = "emoji"  # a shipped model whose autoencoder one of few pictures begins with
PATCHES_FROM = 96  # pixels a side, from which the autoencoder of a GAN begins with patches of 4x4 pixels
COARSEST = 4  # pixels a side at the deepest level of a GAN
WANTED = 200_000  # pictures seen, from which samples are more than rough shapes
WANTED_CODED = 5_000  # the same for a GAN of codes, at its autoencoder's rate; what follows is ten times as quick
WANTED_TUNED = 2_500  # the same where it begins with an autoencoder that is trained
RESTORER = 1 / 3  # of the generator's time, in which a denoiser is fine-tuned on the same pictures
IN_SECONDS = ("seconds", "validate_every", "save_every")  # settings that mean steps where steps end a run
PROBED = 8  # pictures in a step that is timed

Rate = Callable[[TrainConfig], float]


@dataclass(frozen=True)
class Choice:
    """A recipe and its settings, as `launch.configure` takes them, and why.

    size: height and width of the pictures. rate: pictures a second on this machine, measured on a few
    steps. reasons: a sentence for each decision; expectation: what to expect of it.
    """

    recipe: str
    settings: tuple[str, ...]
    start_from: str
    size: tuple[int, int]
    seconds: float
    rate: float
    reasons: tuple[str, ...]
    expectation: str

    def configure(self, data: str, *, val: str = "", settings: Sequence[str] = ()) -> TrainConfig:
        """The run; `settings` of the user's own come last and hold. Their steps end it instead of the time.

        The time is for the generator and for the restorer that it gets besides.
        """
        own = (*self.settings, f"restorer={RESTORER:.4f}", f"seconds={self.seconds:g}")
        keys = {text.partition("=")[0].strip() for text in settings}
        if "steps" in keys:
            own = tuple(text for text in own if text.partition("=")[0] not in IN_SECONDS)
        given = (*own, *settings)
        config = launch.configure(self.recipe, data=data, val=val, settings=given, start_from=self.start_from)
        if keys & {"steps", "seconds"}:
            return config
        return replace(config, seconds=round(config.seconds / (1 + config.restorer), 1))


def choose(
    seen: Examination,
    time: str = "",
    *,
    device: str = "",
    rate: Rate | None = None,
    shipped: Sequence[str] | None = None,
) -> Choice:
    """What to train on the pictures that were `examine`d, in `time` (2h unless given).

    device: "cuda", "mps" or "cpu", by default what is there. rate: pictures a second of a config, measured by
    default. shipped: models to start from, where pictures are few. Raises TrainingError where there are too few
    different pictures, UsageError for a time that is none.
    """
    if seen.num_distinct < FEWEST:
        raise TrainingError(
            f"{seen.source} holds {seen.num_distinct} different readable pictures, and a network would only repeat so "
            f"few; {FEWEST} are the least, some hundred are better."
        )
    seconds = launch.parse_time(time or "2h")
    device = device or (torch.accelerator.current_accelerator() or torch.device("cpu")).type
    channels, of_channels = _channels(seen)
    label, of_label = _label(seen)
    flips, of_flips = _flips(seen)
    captioned = seen.num_captioned >= CAPTIONED_FROM * seen.num_pictures
    is_flow = seen.num_distinct >= FLOW_FROM or captioned
    sizes = _sizes(seen, device, coded=not is_flow)
    if not is_flow:  # a GAN of pixels comes less far than one of codes, however small its pictures are
        sizes = [size for size in sizes if _is_coded(size)] or sizes
    here = zoo.installed() if shipped is None else shipped
    near = _near(seen, channels, here) if seen.num_distinct < TUNED_BELOW else None
    if near:
        card = card_of(near[0])
        recipe, start_from, label, of_label = (
            card.family,
            near[0],
            "",
            "Fine-tuning goes on without classes.",
        )
        sizes, flips, of_flips = [(card.size[0], card.size[1])], False, ""
        of_recipe = (
            f"{seen.num_distinct} pictures are few, and samples of {near[0]} are near to them (KID "
            f"{1000 * near[1]:.0f} x 1e-3), so its weights are a better start than none."
        )
    else:
        recipe, start_from = ("flow" if is_flow else "gan"), ""
        of_recipe = (
            f"{seen.num_captioned:,} of {seen.num_pictures:,} pictures have captions, which flows learn from: what is "
            "drawn can be said in words."
            if captioned
            else f"With {seen.num_distinct:,} different pictures a flow learns without copying; dropout holds it to "
            f"that. From {CODES_FROM} pixels a side on it is a flow of an autoencoder's codes, which is sharper."
            if recipe == "flow"
            else f"{seen.num_distinct} different pictures are fewer than the {FLOW_FROM} that a flow needs; a "
            f"relativistic GAN with augmentation learns from less, in the codes of an autoencoder from {CODES_FROM} "
            "pixels a side on" + (f", which begins with that of {CODED_START}." if CODED_START in here else ".")
        )
    of_restorer = (
        f"For {RESTORER / (1 + RESTORER):.0%} of the time {own_restorer.BEGINS_WITH} is fine-tuned on the same "
        "pictures, so that the file also removes noise from pictures of this kind (restorer=0 leaves that out)."
    )
    common = [f"label={label}"] if label else []
    common += ["condition=[text]"] if captioned and forgets_classes(recipe) else []
    common += ["flips=true"] if flips else []
    # Validated too often, a short run would seem to learn nothing, and the alarm would send it back.
    common += [f"validate_every={min(240, seconds / 4):g}", f"save_every={min(120, seconds / 8):g}"]
    common += ["num_drawn=128"] if device == "cpu" else []  # sampling is a part of the time, there a large one

    for size in sizes:
        if near:
            own = _tuned(recipe)
        else:
            recipe = _recipe_for(size, is_flow)
            start_from = CODED_START if recipe == "latent-gan" and channels > 1 and CODED_START in here else ""
            own = _network(recipe, size, channels, seen.num_distinct, begins=bool(start_from))
        choice = Choice(recipe, (*common, *own), start_from, size, seconds, 0.0, (), "")
        speed = (rate or probe)(choice.configure(seen.source))
        presented = speed * seconds / (1 + RESTORER)
        wanted = WANTED if recipe != "latent-gan" else WANTED_CODED if not start_from else WANTED_TUNED
        if presented >= wanted:
            break
    of_size = _of_size(seen, size, sizes, device, fixed=near is not None, coded=not is_flow)
    reasons = (of_recipe, of_size, of_channels, of_label, of_flips, of_restorer)
    return replace(
        choice,
        rate=speed,
        reasons=tuple(filter(None, reasons)),
        expectation=_expectation(seen, presented, wanted, near[0] if near else ""),
    )


def probe(config: TrainConfig) -> float:
    """Pictures a second of a few steps of a run on this machine, forward and back."""
    objective = objective_for(config)
    device = torch.accelerator.current_accelerator() or torch.device("cpu")
    networks = {name: net.to(device).train() for name, net in objective.networks.items()}
    model: Any = networks[objective.exported].config
    batch = {"x": torch.rand(PROBED, model.channels, *model.size, device=device)}
    batch["number"] = torch.arange(PROBED)
    if getattr(model, "text", ()):
        batch["text"] = torch.randint(97, 123, (PROBED, LONGEST), device=device).float()
    if model.classes:
        batch["label"] = torch.eye(len(model.classes), device=device)[torch.arange(PROBED) % len(model.classes)]
    took = []
    with torch.random.fork_rng():
        for _ in range(5):  # the first is slow, and one of the others has what comes every fourth time
            started = clock.perf_counter()
            for player in networks:
                losses = objective.losses(player, networks, batch)
                if terms := [value for name, value in losses.items() if not name.startswith("_")]:
                    torch.stack(terms).sum().backward()
            if device.type != "cpu":
                torch.accelerator.synchronize()
            took.append(clock.perf_counter() - started)
    return PROBED * len(took[1:]) / sum(took[1:])


def _channels(seen: Examination) -> tuple[int, str]:
    count = len(seen.sizes)
    if seen.num_transparent >= TRANSPARENT_FROM * count:
        return (
            4,
            f"{seen.num_transparent} of {count} pictures are transparent in places, so samples will be, too.",
        )
    laid = f"; {seen.num_transparent} transparent ones are laid over white" if seen.num_transparent else ""
    if seen.num_grey == count:
        return 1, f"All pictures are grey, so one channel is enough{laid}."
    return 3, f"RGB, since not all pictures are grey{laid}." if seen.num_grey or laid else ""


def _label(seen: Examination) -> tuple[str, str]:
    """What to train classes by: folders before keys, fewer classes before more."""
    fit = {by: counts for by, counts in seen.classes.items() if _in_small(counts) <= SMALL_CLASSES}
    if fit:
        by = min(fit, key=lambda name: (name != "folder", len(fit[name])))
        return by, f"It learns {len(fit[by])} classes (by {by}), each of which can be asked for."
    if seen.classes:
        by = min(seen.classes, key=lambda name: (_in_small(seen.classes[name]), name))
        return "", (
            f"No classes: by {by} {_in_small(seen.classes[by]):.0%} of the pictures are of classes with fewer than "
            f"{CLASS_FROM} (label={by} takes them all the same)."
        )
    return "", ""


def _in_small(counts: dict[str, int]) -> float:
    return sum(count for count in counts.values() if count < CLASS_FROM) / sum(counts.values())


def _flips(seen: Examination) -> tuple[bool, str]:
    if seen.mirrored is None:
        return False, "Too few pictures to say whether mirrored ones belong to them (set flips=true if they do)."
    if seen.mirrored <= MIRRORED_TO:
        return (
            True,
            "Mirrored pictures are as near to the others as the pictures themselves, so they are trained on too.",
        )
    return False, (
        f"No mirrored pictures: they lie {seen.mirrored:.2f} times as far from the others as the pictures themselves."
    )


def _sizes(seen: Examination, device: str, *, coded: bool) -> list[tuple[int, int]]:
    """Height and width that may be trained, the largest first: a fifth above half of the pictures at most.

    coded: by a GAN of codes, where they are large enough for one.
    """
    lengths = np.array(seen.sizes, dtype=np.float64)
    shorter = float(np.median(lengths.min(1)))
    ratio = np.log(lengths[:, 1] / lengths[:, 0])
    spread = float(np.quantile(ratio, 0.8) - np.quantile(ratio, 0.2))
    wide = math.exp(float(np.clip(np.median(ratio), math.log(0.4), math.log(2.5))))
    square = spread > math.log(1.5) or 0.85 < wide < 1.18
    limit = _largest(device, coded)

    def shaped(side: int) -> tuple[int, int]:
        longer = max(side, round(side * max(wide, 1 / wide) / 16) * 16)
        return (side, side) if square else (side, longer) if wide > 1 else (longer, side)

    sizes = [shaped(side) for side in SIDES if side <= min(1.2 * shorter, limit)]
    same = set(seen.sizes)
    if len(same) == 1:
        (own,) = same
        if min(own) >= 8 and max(own) <= limit and not (own[0] % 4 or own[1] % 4):
            sizes = [own, *(size for size in sizes if min(size) < min(own))]
    small = max(8, int(shorter) // 4 * 4)
    return sizes or [(small, small)]


def _largest(device: str, coded: bool) -> int:
    """The longest shorter side that is sensible on a device."""
    limit = LARGEST.get(device, max(SIDES))
    return max(limit, LARGEST_CODED) if coded else limit


def _recipe_for(size: tuple[int, int], is_flow: bool) -> str:
    """The recipe of a flow or a GAN of this size."""
    return ("latent-" if _is_coded(size) else "") + ("flow" if is_flow else "gan")


def _is_coded(size: tuple[int, int]) -> bool:
    return min(size) >= CODES_FROM and not any(length % CODE_STEP for length in size)


def _network(recipe: str, size: tuple[int, int], channels: int, count: int, *, begins: bool = False) -> list[str]:
    """Settings that fit the networks to the size: a GAN gets levels down to about 4 pixels.

    begins: with the autoencoder of a shipped model, whose own shape it keeps.
    """
    shape = [f"model.size=[{size[0]},{size[1]}]", f"model.channels={channels}"]
    dropout = 0.2 if count < 3 * FLOW_FROM else 0.1
    if recipe == "latent-flow":
        return [*shape, f"model.dropout={dropout}"]
    if recipe == "latent-gan":
        # Small steps and many: most of the time goes to the autoencoder, which AdamW without momentum cannot train so.
        own = ["optimizer=muon", "batch=16"]
        if begins:
            deep = min(size) >= PATCHES_FROM and not any(length % 32 for length in size)
            own += ["options.coding=0.2", *(["model.gan_patch=2"] if deep else [])]
            return [*shape, *own, *_augmentation(["translation", "cutout"], count)]
        large = min(size) >= PATCHES_FROM and not any(length % 32 for length in size)
        own += ["model.patch=4", "model.widths=[64,128,192]"] if large else []
        return [*shape, *own, *_augmentation(["translation", "cutout"], count)]
    if recipe == "flow":
        patch = 1 if min(size) < 32 or any(length % 8 for length in size) else RECIPES["flow"]().model.get("patch", 1)
        return [*shape, f"model.patch={patch}", f"model.dropout={dropout}"]
    patch = 2 if min(size) >= 32 and not any(length % 2 for length in size) else 1
    levels = 1
    while (
        min(size) >= COARSEST * patch * 2**levels
        and not any(length % (patch * 2**levels) for length in size)
        and levels < 6
    ):
        levels += 1
    widths = ([*RECIPES["gan"]().model["widths"], 256, 256])[:levels]
    options = _augmentation(["colour", "translation", "cutout"], count)
    return [*shape, f"model.patch={patch}", f"model.widths={widths}", *options]


def _augmentation(kinds: list[str], count: int) -> list[str]:
    chance = 0.3 if count >= TUNED_BELOW else 0.6
    return [f"options.augment={json.dumps(kinds)}", f"options.p={chance}", "options.adapt=true"]


def _tuned(family: str) -> list[str]:
    """What is set where a shipped model of this family is gone on with."""
    if not forgets_classes(family):
        return ["lr=0.0002"]
    # What a flow generates gets worse before it may get better: the best state may be the first.
    return ["lr=0.00004", "options.best=kid", *(["options.coding=0"] if is_coded(family) else [])]


def _near(seen: Examination, channels: int, shipped: Sequence[str]) -> tuple[str, float] | None:
    """The shipped generator whose samples are most like the pictures, and their KID, if it is near.

    Training continues from one with classes without them, or, where it always takes a class, not at all.
    """
    distances: list[tuple[float, str]] = []
    for name in shipped:
        card = card_of(name)
        own_channels = next((port.channels for port in card.outputs if port.kind == "picture"), 0)
        by_class_alone = card.classes and not forgets_classes(card.family)
        if card.task != "generate" or by_class_alone or own_channels != channels or card.family not in RECIPES:
            continue
        store = PictureStore.build(list_pictures(seen.source), channels=channels, size=(card.size[0], card.size[1]))
        some, judge = store.sample(TUNED_BELOW), network("lite0")
        real = np.stack([some[i] for i in range(len(some))])
        fake = np.stack([bytes_of(picture) for picture in generate(name, 64).pictures])
        of_real, of_fake = (judge(laid_over(pictures.transpose(0, 3, 1, 2))) for pictures in (real, fake))
        distances.append((kid(of_real, of_fake, seed=0).mean, name))
    best = min(distances, default=None)
    return (best[1], best[0]) if best and best[0] < NEAR else None


def _of_size(
    seen: Examination, size: tuple[int, int], sizes: list[tuple[int, int]], device: str, *, fixed: bool, coded: bool
) -> str:
    shown = f"{size[1]}x{size[0]} pixels"
    if fixed:
        return f"{shown}, which is what that model generates."
    if size != sizes[0]:
        return f"{shown}: larger ones would be seen too seldom in this time."
    largest = _largest(device, coded)
    if min(size) >= largest and max(map(min, seen.sizes)) > largest:
        return f"{shown}, the most that is sensible on this device ({device})."
    return f"{shown}, about what the pictures have."


def _expectation(seen: Examination, presented: float, wanted: float, start_from: str) -> str:
    times = presented / seen.num_distinct
    shown = f"In this time the network sees about {presented:,.0f} pictures, each about {max(times, 1):,.0f}x"
    if start_from:
        return (
            f"{shown}: it begins with what {start_from} generates, and keeps what was nearest to your pictures; watch "
            "near_copies in the report, which shows copying."
        )
    if presented < wanted / 4:
        return f"{shown}: expect smudges of the right colours; give it more time."
    if presented < wanted:
        return f"{shown}: expect rough shapes; more time makes them better."
    if seen.num_distinct < FLOW_FROM:
        return f"{shown}: expect variations of what is there; watch near_copies in the report, which shows copying."
    return f"{shown}: expect pictures of that kind, with flaws in the detail."
