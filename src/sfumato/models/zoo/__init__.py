"""The shipped models: `zoo/<name>.onnx`, each with a page `<name>.md` that is generated from its card."""

from pathlib import Path

from ...errors import ModelError

FOLDER = Path(__file__).parent
# What does a task unless a model is named.
FOR_TASK = {
    "denoise": "denoise-fast",
    "dejpeg": "dejpeg",
    "clean": "clean",
    "deblur": "deblur",
    "upscale": "upscale-2x",
    "inpaint": "inpaint",
    "scratches": "scratches",
    "fade": "fade",
}
UPSCALERS = {2: "upscale-2x", 4: "upscale-4x"}
ROBUST_UPSCALERS = {2: "upscale-2x-robust", 4: "upscale-4x-robust"}  # for small pictures that are damaged besides

SHIPPED = (
    "denoise-fast",  # the default: colour and grey, sigma 0-75, 30 thousand multiply-adds a pixel
    "denoise-best",  # the same use, seven times the work
    "denoise-autoencoder",  # an autoencoder without skips: what the others are measured by
    "dejpeg",  # removes what JPEG compression left, told its quality or estimating it
    "clean",  # noise, compression and slight blur together, blind
    "deblur",  # sharpens what a moved hand or a missed focus blurred a little
    "upscale-2x",  # twice and four times the height and width
    "upscale-4x",
    "upscale-2x-robust",  # the same for small pictures that are noisy or compressed
    "upscale-4x-robust",
    "inpaint",  # fills in what is missing
    "scratches",  # finds scratches and spots
    "fade",  # gives faded tones back
    "noise-level",  # how noisy a picture is; used when no noise level is given
    "jpeg-quality",  # how far a picture was compressed
    "mnist-gan",  # handwritten digits: small models of three families that draw, to try and to compare
    "mnist-flow",
    "mnist-vae",
    "emoji",  # 64x64 with transparency, by category
)


def model_for(task: str, scale: int = 2, *, damaged: bool = False) -> str:
    """The shipped model that does a task; `scale` is for upscale, as is whether the picture is damaged besides."""
    if task != "upscale":
        return FOR_TASK[task]
    return (ROBUST_UPSCALERS if damaged else UPSCALERS)[scale]


def path(name: str) -> Path:
    """The file of a shipped model; raises ModelError for a name that is not shipped or a file that is not installed."""
    if name not in SHIPPED:
        raise ModelError(f"{name!r} is no shipped model; there are {', '.join(SHIPPED)}.")
    file = FOLDER / f"{name}.onnx"
    if not file.is_file():
        raise ModelError(
            f"The file of the shipped model {name!r} is not installed: `pip install --force-reinstall sfumato`."
        )
    return file
