"""The settings of a training run: one frozen dataclass, kept as JSON in the run directory."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sfumato.errors import Setting, TrainingError, UsageError
from sfumato.models.fields import known

from ..catalog import configured

OPTIMIZERS = ("adamw", "muon", "rmsprop")
CONDITIONS = ("text", "layout")  # beside the class, which `label` names, and sounds, which `audio` does
LISTS = ("condition",)  # settings that are lists of words
PRECISIONS = ("auto", "fp32", "bf16")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A run: what is trained, on what, for how long. Either `steps` or `seconds` ends it.

    Fractions (`warmup`, `ema`) are of the whole run, so that a short trial behaves as the long run does. `ema` is the
    horizon of the averaged weights; `validate_every` and `save_every` are in seconds when `seconds` ends the run and
    in steps otherwise. `patience` is the number of validations without a new best that ends the run (0: none does).
    `workers` are processes that prepare the data, `threads` those of torch (0: its own choice). `started_from` is the
    model file or shipped model whose weights the network begins with.

    `label` says what labels a picture: "folder", a key of metadata.jsonl (or several, "category/kind", for classes in
    groups), or "" for none. `audio` holds recordings in folders named after the classes, of which a flow learns to draw
    what is spoken: a folder, a zip or a tar.

    `condition` names what else a flow learns to be given: "text", the captions of the pictures, and "layout", the
    outlines of those with transparency. `caption` says where captions are: keys of metadata.jsonl or columns of a CSV
    with commas between them, or "" for what is found (`captions_of`); for the recipe answers, the key of the questions.

    `layout` holds a label map for each picture, and `paired` another picture, by the same name, from which it is to be
    made: a folder, a zip or a tar.

    `restorer`: after a generator, the shipped denoiser is fine-tuned on the same pictures for so many times its steps
    or seconds, and the run's file holds both (`own_restorer`); 0 for none.

    `balance`: with 0 every picture is shown as often as
    another, with 1 every class is, and between them a class of n pictures as often as n**(1 - balance) says. `flips`:
    mirrored left to right now and then.
    `options` are the objective's own. `beta1` and `beta2` are Adam's. `num_drawn` pictures are generated at each
    validation of a generating network. `val_protocols` are those by which a restorer is validated. `shrink`: half of
    the patches of restorers and estimators are reduced from windows of up to so many times their size: more textures.
    """

    name: str
    family: str
    model: dict[str, Any] = field(default_factory=dict)
    objective: str = "restoration"
    degradation: str = "denoise"
    loss: str = "l1"
    options: dict[str, Any] = field(default_factory=dict)
    data: str = ""
    val: str = ""
    label: str = ""
    audio: str = ""
    condition: tuple[str, ...] = ()
    caption: str = ""
    layout: str = ""
    paired: str = ""
    restorer: float = 0.0
    balance: float = 0.0
    flips: bool = False
    num_drawn: int = 256
    val_protocols: tuple[str, ...] = ("gaussian:15", "gaussian:25", "gaussian:50")
    started_from: str = ""
    steps: int = 0
    seconds: float = 0.0
    batch: int = 16
    patch: int = 96
    shrink: float = 1.0
    lr: float = 1e-3
    optimizer: str = "adamw"
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.0
    warmup: float = 0.02
    ema: float = 0.03
    clip: float = 1.0
    patience: int = 0
    seed: int = 0
    precision: str = "auto"
    compile: bool = False
    workers: int = 0
    threads: int = 0
    validate_every: float = 500
    save_every: float = 500
    log_every: int = 50

    def __post_init__(self) -> None:
        if self.steps < 0 or self.seconds < 0 or bool(self.steps) == bool(self.seconds):
            raise UsageError(
                f"{self.name}: give either ", Setting("steps"), " or ", Setting("seconds"), ", and one of them only."
            )
        for key in ("batch", "patch", "lr", "clip", "validate_every", "save_every", "log_every"):
            if getattr(self, key) <= 0:
                raise UsageError(f"{self.name}: {key} must be more than 0.")
        for key in ("restorer", "weight_decay", "patience", "workers", "threads"):
            if getattr(self, key) < 0:
                raise UsageError(f"{self.name}: {key} must not be negative.")
        if self.shrink < 1:
            raise UsageError(f"{self.name}: shrink must be at least 1.")
        if not self.val_protocols:
            raise UsageError(f"{self.name}: val_protocols needs at least one protocol, such as gaussian:25.")
        for key in ("warmup", "ema"):
            if not 0 < getattr(self, key) < 1:
                raise UsageError(f"{self.name}: {key} is a fraction of the run, between 0 and 1.")
        if self.optimizer not in OPTIMIZERS:
            raise UsageError(f"{self.name}: optimizer is one of {', '.join(OPTIMIZERS)}, not {self.optimizer!r}.")
        if not 0 <= self.balance <= 1:
            raise UsageError(f"{self.name}: balance is from 0 to 1.")
        if self.balance and not self.label:
            raise UsageError(
                f"{self.name}: balance is between classes; say what labels them: ", Setting("label", "folder"), "."
            )
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1):
            raise UsageError(f"{self.name}: beta1 and beta2 are from 0 to below 1.")
        for name in self.condition:
            known(name, CONDITIONS, "condition of a training")
        if self.caption and "text" not in self.condition and self.objective != "answering":
            raise UsageError(
                f"{self.name}: caption says where they are; ask for them: ", Setting("condition", "[text]"), "."
            )
        if self.num_drawn < 10:
            raise UsageError(f"{self.name}: num_drawn must be at least 10.")
        if self.precision not in PRECISIONS:
            raise UsageError(f"{self.name}: precision is auto, fp32 or bf16, not {self.precision!r}.")

    @property
    def sample_size(self) -> tuple[int, int]:
        """Height and width of what it is trained on: whole pictures of the model's size, or patches."""
        height, width = self.model.get("size", (self.patch, self.patch))
        return height, width

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_json(cls, path: Path) -> "TrainConfig":
        """The config in a run directory; raises TrainingError for a file that is no JSON object."""
        try:
            values = dict(json.loads(path.read_text()))
        except (OSError, ValueError, TypeError) as broken:
            raise TrainingError(f"{path} cannot be read ({broken}); the run cannot go on without it.") from broken
        return configured(cls, values, str(path))

    def with_settings(self, settings: dict[str, str]) -> "TrainConfig":
        """The config with other settings; `model.key` and `options.key` reach the family and the objective.

        Values are JSON or text.
        """
        values = dataclasses.asdict(self)
        for key, text in settings.items():
            try:
                value = json.loads(text)
            except json.JSONDecodeError:  # words, or a list of them
                listed = text.strip().removeprefix("[").removesuffix("]").split(",")
                value = [word.strip() for word in listed] if key in LISTS or text.startswith("[") else text
            owner, dot, part = key.partition(".")
            if dot and owner in ("model", "options"):
                values[owner] = values[owner] | {part: value}
            else:
                values[key] = value
        if "steps" in settings and "seconds" not in settings:
            values["seconds"] = 0.0
        elif "seconds" in settings and "steps" not in settings:
            values["steps"] = 0
        return configured(type(self), values, f"recipe {self.name}")
