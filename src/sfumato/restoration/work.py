"""Which models are to work on a picture, in which order, and what each is told."""

from dataclasses import dataclass, replace

from ..errors import Option, UsageError
from ..models import zoo
from ..models.card import Card
from ..models.engine import Engine, load, shipped
from .damage import Damage, is_auto, stated_damage
from .denoisers import is_denoiser
from .diagnosis import CLEAN, SUREST, Diagnosis
from .found_kernel import found_kernel
from .options import AUTO, DEFAULT_MODEL, MAX_NOISE, RestoreOptions, wrong_noise
from .roles import is_coded
from .sizes import check_reached, whole_factor
from .tasks import parse_tasks, resolve_tasks, task_of

# What to give besides, by task, so that a denoiser does it as one that knows how pictures look; and a word on it.
AS_PRIOR: dict[str, tuple[str | Option, ...]] = {
    "inpaint": (Option("prior", True), " as well, so that it fills in what is missing"),
    "deblur": (Option("kernel"), " as well, the blur that it is to undo"),
    "upscale": (Option("kernel"), " as well, by which the picture was reduced"),
}
# From here on a memory gains something in clips: in white noise, of which the estimator is sure, and in what cameras or
# encoders have made of it.
NOISY, NOISY_OTHERWISE = 15 / 255, 5 / 255

BETTER_INSTALLED = (
    f"{zoo.FOR_FILES_OF_CLIPS}, which is made for compressed clips, is not installed ({zoo.INSTALL_SECOND} adds it); "
    f"{zoo.FOR_TASK['dejpeg']} works frame by frame."
)
NONE_FASTER = f"{zoo.FOR_FILES_OF_CLIPS} has no smaller network beside it, so the fast way changes nothing."


@dataclass(frozen=True)
class Work:
    """One model that is to work for a task, and the damage that it is to undo where that is known."""

    engine: Engine
    task: str
    damage: Damage | None = None


def work_for(options: RestoreOptions, diagnosis: Diagnosis, *, clip: bool = False) -> tuple[list[Work], list[str], str]:
    """The models that are to work, in order, sentences on why, and advice. clip: on frames of one, in their order."""
    tasks = parse_tasks(options.task)
    named = None if options.is_default_model else _named(options)
    if named is not None and _enlarges_by_codes(named.card, tasks, options) and options.strength > 0:
        return [Work(named, "upscale")], [], ""
    named = named and named.restoring
    damage = stated_damage(options, tasks)
    notes: list[str] = []
    advice = ""
    if options.strength == 0:
        return [], [], ""
    is_sharp = False
    if is_auto(options.kernel):
        found = found_kernel(diagnosis)
        notes, is_sharp = [found.note], found.is_sharp
        if found.damage is None:
            options = replace(options, model=DEFAULT_MODEL)  # which knows how pictures look, and has no part in this
        else:
            damage["deblur"] = found.damage
    if options.operator is not None:
        work = [Work(prior_of(options), "restore", damage[AUTO])]
    elif damage and not options.is_default_model:
        if len(tasks) > 1:
            raise UsageError(Option("model"), " is the prior of one task, but there are several.")
        work = [Work(prior_of(options), tasks[0], damage[tasks[0]])]
    elif not options.is_default_model:
        assert named is not None, "a model that is named"
        work = [Work(named, task_of(named.card))]
    else:
        resolved = resolve_tasks(options, diagnosis)
        tasks = tuple(task for task in resolved.tasks if not (is_sharp and task == "deblur"))
        notes, advice = [*resolved.notes, *notes], resolved.advice
        # What goes before has cleaned it; what is small and damaged as it comes has an upscaler of its own.
        damaged = tasks[:1] == ("upscale",) and bool(diagnosis.tasks)
        if damaged and options.is_sharp:  # what makes details up would make them of the damage
            tasks, damaged = (*diagnosis.tasks, *tasks), False
            notes.append(f"It has {diagnosis.describe()}, which goes before it is enlarged.")
        drawn = tasks == ("upscale",) and not (damage or damaged or options.is_sharp) and diagnosis.is_drawing
        work, at_work = [], set[str]()
        ahead = options.look_ahead and not options.fast and tasks == ("denoise",)  # with single frames' network
        ahead = ahead and clip and noise_level(options, diagnosis) >= CLEAN
        if clip and "dejpeg" in tasks and _is_for_files(options, diagnosis):
            if zoo.FOR_FILES_OF_CLIPS not in zoo.installed():
                notes.append(BETTER_INSTALLED)
            elif options.fast:
                notes.append(NONE_FASTER)
        for name in tasks:
            remembers = clip and _gains_by_memory(name, options, diagnosis, ahead)
            factor = whole_factor(options, diagnosis.picture) if name == "upscale" else 1
            models = [zoo.PRIOR]
            if name not in damage:
                fast, sharp = options.fast, options.is_sharp
                models = zoo.models_for(
                    name, factor, damaged=damaged, drawn=drawn, clip=remembers, fast=fast, sharp=sharp
                )
            for model in models:
                if remembers and model in at_work:
                    continue  # it does both at once
                at_work.add(model)
                work.append(Work(shipped(model, options.device, options.threads), name, damage.get(name)))
    cards = [item.engine.card for item in work]
    if options.text is not None:
        raise UsageError(
            Option("text"), " is for flows of codes, which make up details: name one with ", Option("model"), "."
        )
    if "upscale" not in damage:
        check_reached(options, diagnosis.picture, cards)
    if options.noise != AUTO and options.noise > MAX_NOISE and cards and all(card.role != "flow" for card in cards):
        raise wrong_noise(options.noise)
    if not options.is_default_model and not damage and tasks != (AUTO,) and tasks != (task_of(cards[0]),):
        raise UsageError(
            f"{cards[0].name} is for {task_of(cards[0])}, not for {options.task}: give ",
            Option("model"),
            " or ",
            Option("task"),
            ", not both",
            *_as_prior(work[0].engine, tasks),
            ".",
        )
    return work, notes, advice


def _enlarges_by_codes(card: Card, tasks: tuple[str, ...], options: RestoreOptions) -> bool:
    """Whether a model is to enlarge; a file that holds a restorer besides must be asked to, by the task or by words."""
    asked = card.restorer is None or options.text is not None
    return is_coded(card) and (tasks == ("upscale",) or (tasks == (AUTO,) and asked))


def _as_prior(engine: Engine, tasks: tuple[str, ...]) -> tuple[str | Option, ...]:
    """How a sentence goes on that refuses a denoiser for a task which it could do as a prior; () for others."""
    return ("; or ", *AS_PRIOR[tasks[0]]) if is_denoiser(engine) and len(tasks) == 1 and tasks[0] in AS_PRIOR else ()


def noise_level(options: RestoreOptions, diagnosis: Diagnosis) -> float:
    """The level in [0, 1], stated or estimated, which takes a pass over the picture."""
    return diagnosis.noise.typical if options.noise == AUTO else float(options.noise) / 255


def _gains_by_memory(task: str, options: RestoreOptions, diagnosis: Diagnosis, ahead: bool) -> bool:
    """Whether a task is done to a clip by a network that remembers."""
    if task == "dejpeg":
        return _is_for_files(options, diagnosis) and zoo.FOR_FILES_OF_CLIPS in zoo.installed()
    return task == "clean" or (task == "denoise" and (ahead or _is_strong(options, diagnosis)))


def _is_for_files(options: RestoreOptions, diagnosis: Diagnosis) -> bool:
    """Whether compression is such as a network has learned that remembers."""
    return diagnosis.codec in zoo.CODECS_OF_CLIPS and options.jpeg_quality == AUTO


def _is_strong(options: RestoreOptions, diagnosis: Diagnosis) -> bool:
    """Whether the noise of a clip is such that a network gains by remembering, beside one of single frames."""
    is_white = options.noise != AUTO or diagnosis.noise.doubt <= SUREST
    return noise_level(options, diagnosis) >= (NOISY if is_white else NOISY_OTHERWISE)


def _named(options: RestoreOptions) -> Engine:
    """The model that is named."""
    if isinstance(options.model, Engine):
        return options.model
    return load(options.model, threads=options.threads, device=options.device)


def prior_of(options: RestoreOptions) -> Engine:
    """The model that knows how pictures look: the one that is named, or the shipped one."""
    return (
        shipped(zoo.PRIOR, options.device, options.threads) if options.is_default_model else _named(options).restoring
    )
