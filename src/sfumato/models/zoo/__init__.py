"""The shipped models: files `<name>.onnx`, each with a page `<name>.md` that is generated from its card.

What restoring needs and one small generator lie in this folder. The others are in a distribution of their own,
`sfumato-models`, so that a first installation stays small.
"""

from importlib.util import find_spec
from pathlib import Path

from ...errors import ModelError

FOLDER = Path(__file__).parent
SECOND_PACKAGE = "sfumato_models"
INSTALL_SECOND = "pip install ./packages/sfumato-models"
# What does a task unless a model is named.
FOR_TASK = {
    "denoise": "denoise-fast",
    "dejpeg": "dejpeg",
    "clean": "clean",
    "deblur": "deblur",
    "descreen": "descreen",
    "upscale": "upscale-2x",
    "inpaint": "inpaint",
    "scratches": "scratches",
    "fade": "fade",
    "colorize": "colorize",
}
# What knows how pictures look where a known damage is undone.
PRIOR = "denoise-best"
UPSCALERS = {2: "upscale-2x", 4: "upscale-4x"}
DRAWN_UPSCALER = "upscale-2x-drawn"  # for what a program drew; again and again, which is better than four times at once
# What does it to the frames of a clip, with noise that is strong enough or whose level nobody can tell: one model for
# what they have together, which remembers what it saw in the frames before (benchmarks/bench_video.py).
FOR_CLIPS = {"denoise": "denoise-video", "clean": "denoise-video"}
FAST_FOR_CLIPS = dict.fromkeys(FOR_CLIPS, "denoise-video-fast")
# The same for files of these codecs, as PyAV calls them, where it is installed.
FOR_FILES_OF_CLIPS, CODECS_OF_CLIPS = "dejpeg-video", ("h264", "hevc")
# What works instead where a result is to look sharp.
SHARP = {"inpaint": "inpaint-sharp", "upscale-4x": "upscale-4x-sharp"}
ROBUST_UPSCALERS = {2: "upscale-2x-robust", 4: "upscale-4x-robust"}  # for small pictures that are damaged besides

SHIPPED = (
    "denoise-fast",  # the default: colour and grey, sigma 0-75, 30 thousand multiply-adds a pixel
    "denoise-best",  # the same use, seven times the work
    "denoise-autoencoder",  # an autoencoder without skips: what the others are measured by
    "dejpeg",  # removes what JPEG compression left, given its quality or estimating it
    "denoise-video",  # noise and compression of clips: carries what it saw from frame to frame
    "denoise-video-fast",  # the same with half the work
    "dejpeg-video",  # the same for what H.264 and H.265 left
    "clean",  # noise, compression and slight blur together, blind
    "deblur",  # sharpens what a moved hand or a missed focus blurred a little
    "descreen",  # makes continuous tones of printed dots and dither
    "upscale-2x",  # twice and four times the height and width
    "upscale-4x",
    "upscale-2x-robust",  # the same for small pictures that are noisy or compressed
    "upscale-4x-robust",
    "upscale-2x-drawn",  # for icons, logos, charts and other drawings
    "upscale-4x-sharp",  # with details that are made up
    "inpaint",  # fills in what is missing
    "inpaint-sharp",  # with what might be there
    "scratches",  # finds scratches and spots
    "fade",  # gives faded tones back
    "colorize",  # gives grey photographs colours, which are invented
    "noise-level",  # how noisy a picture is; used when no noise level is given
    "jpeg-quality",  # how far a picture was compressed
    "blur-kernel",  # how it was blurred
    "mnist-gan",  # handwritten digits: small models of three families, to try and to compare
    "mnist-flow",
    "mnist-vae",
    "emoji",  # 64x64 with transparency, by category
    "emoji-text",  # the same by words and outline
    "facades",  # the front of a house from a label map
    "spoken-digits",  # a spoken digit becomes a handwritten one
)
# `colorize`, `deblur` and `blur-kernel`, too, which restore and which `auto` neither takes nor proposes: with their
# 13 MB the first would be beyond 260 installed.
IN_SECOND_PACKAGE = frozenset(
    {
        "blur-kernel",
        "colorize",
        "deblur",
        "dejpeg-video",
        "denoise-autoencoder",
        "denoise-video-fast",
        "facades",
        "inpaint-sharp",
        "mnist-flow",
        "mnist-vae",
        "emoji",
        "emoji-text",
        "spoken-digits",
        "upscale-4x-sharp",
    }
)


def models_for(
    task: str,
    scale: int = 2,
    *,
    damaged: bool = False,
    drawn: bool = False,
    clip: bool = False,
    fast: bool = False,
    sharp: bool = False,
) -> list[str]:
    """The shipped models that do a task, in order.

    scale: for upscale, how far they enlarge together, a power of 2; none for 1. damaged: whether the picture that is
    enlarged is damaged besides, which the first of several mends. drawn: whether it is an undamaged drawing. clip: to
    the frames of one, in their order, by a model that remembers: "denoise", "clean" and "dejpeg". fast: with half the
    work, where that can be. sharp: with details made up, where there is a model for it.
    """
    if clip:
        return [FOR_FILES_OF_CLIPS if task == "dejpeg" else (FAST_FOR_CLIPS if fast else FOR_CLIPS)[task]]
    found = [] if task == "upscale" else [FOR_TASK[task]]
    while task == "upscale" and scale > 1:
        factor = 2 if drawn else min(scale, max(UPSCALERS))
        upscalers = ROBUST_UPSCALERS if damaged and not found else UPSCALERS
        found.append(DRAWN_UPSCALER if drawn else upscalers[factor])
        scale //= factor
    return [SHARP.get(name, name) for name in found] if sharp else found


def path(name: str) -> Path:
    """The file of a shipped model; raises ModelError for a name that is not shipped or a file that is not installed."""
    if name not in SHIPPED:
        raise ModelError(f"{name!r} is no shipped model; there are {', '.join(SHIPPED)}.")
    folder = _second_folder() if name in IN_SECOND_PACKAGE else FOLDER
    if folder is None or not (file := folder / f"{name}.onnx").is_file():
        raise ModelError(f"The shipped model {name!r} is not installed; {_how_to_install(name)}.")
    return file


def installed() -> tuple[str, ...]:
    """Those of the shipped models whose files are here, in their order."""
    second = _second_folder()
    folders = {name: second if name in IN_SECOND_PACKAGE else FOLDER for name in SHIPPED}
    return tuple(name for name, folder in folders.items() if folder and (folder / f"{name}.onnx").is_file())


def _second_folder() -> Path | None:
    """Where the second package is, found without importing it."""
    spec = find_spec(SECOND_PACKAGE)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None


def _how_to_install(name: str) -> str:
    if name in IN_SECOND_PACKAGE:
        return f"in a checkout of the project, `{INSTALL_SECOND}` adds it"
    return "in a checkout of the project, `pip install --force-reinstall .` brings it back"
