"""Named recipes: each a function that returns the `TrainConfig` it stands for. `sfumato train NAME` takes them."""

import dataclasses
from collections.abc import Callable
from typing import Any

from .config import TrainConfig
from .estimators import blur_kernel, jpeg_quality, noise_level
from .old_photo_recipes import fade, scratches
from .paired_recipes import colorize, layout, pix2pix
from .sharp_recipes import sharp
from .video_recipes import fast_for_video, for_files_of_video, for_video

NOISES = ("gaussian:15", "gaussian:25", "gaussian:50", "blotchy:12")  # by which denoisers are validated


def denoise_fast() -> TrainConfig:
    """The default denoiser: under 2 GMACs for a 256x256 picture, for two cores."""
    return TrainConfig(
        name="denoise-fast",
        family="plain-unet",
        val_protocols=NOISES,
        model={"widths": (32, 64, 112), "blocks": (1, 1, 2)},
        seconds=2 * 3600,
        batch=8,
        patch=96,
        lr=8e-4,
        optimizer="muon",
        loss="log_mse",
        validate_every=300,
        save_every=120,
    )


def denoise_best() -> TrainConfig:
    """The denoiser for those who wait: seven times the work of `denoise-fast`, under 16 GMACs for 256x256 pixels."""
    return TrainConfig(
        name="denoise-best",
        family="plain-unet",
        val_protocols=NOISES,
        model={"widths": (64, 112, 160), "blocks": (3, 3, 2)},
        seconds=4 * 3600,
        batch=8,
        patch=96,
        lr=8e-4,
        optimizer="muon",
        loss="log_mse",
        validate_every=600,
        save_every=120,
    )


def denoise_recursive() -> TrainConfig:
    """A denoiser of 26 thousand weights that are applied again and again."""
    return dataclasses.replace(
        denoise_fast(), name="denoise-recursive", family="recursive-net", model={"width": 32, "times": 8}
    )


def dejpeg() -> TrainConfig:
    """Removes what JPEG compression left: blocks, ringing, blotches of colour; under 6 GMACs for a 256x256 picture."""
    return dataclasses.replace(
        denoise_best(),
        name="dejpeg",
        model={"task": "dejpeg", "widths": (48, 96, 192), "blocks": (1, 2, 2)},
        degradation="dejpeg",
        val_protocols=("jpeg-grey:10", "jpeg-grey:20", "jpeg-grey:40", "jpeg:10", "jpeg:30", "jpeg-twice:30"),
    )


def clean() -> TrainConfig:
    """The blind restorer for photographs from the wild: noise, compression, slight blur, resizing, all together."""
    return dataclasses.replace(
        denoise_fast(),
        name="clean",
        model=denoise_fast().model | {"task": "clean"},
        degradation="clean",
        loss="log_mse_fine",
        patch=112,
        shrink=2.0,
        val_protocols=(
            *("clean", "camera", "gaussian-jpeg50:15", "correlated-jpeg85:15", "jpeg:50", "gaussian-clipped:15"),
            "blotchy:12",
        ),
    )


def deblur() -> TrainConfig:
    """Mild motion and defocus, blind, with a little noise and compression: begin with `--from clean`."""
    return dataclasses.replace(
        clean(),
        name="deblur",
        model=denoise_fast().model | {"task": "deblur", "blocks": (2, 3, 5)},
        degradation="deblur",
        patch=128,
        val_protocols=("motion:3", "motion:6", "defocus:1.5", "defocus:2.5"),
    )


def descreen() -> TrainConfig:
    """Continuous tones from printed screens and dither, blind: begin with `--from clean`."""
    return dataclasses.replace(
        clean(),
        name="descreen",
        model=denoise_fast().model | {"task": "descreen"},
        degradation="screens",
        loss="log_mse",
        val_protocols=("screen:3", "screen:6", "screen-grey:4", "dither", "clean"),
    )


def denoise_video() -> TrainConfig:
    """The recurrent restorer of video, noise and compression: begin with `--from denoise-fast`."""
    return for_video(denoise_fast())


def denoise_video_fast() -> TrainConfig:
    """The same with half the work and less to remember: begin with `--from denoise-video`."""
    return fast_for_video(denoise_video())


def dejpeg_video() -> TrainConfig:
    """For clips that are compressed, and not noisy besides: begin with `--from denoise-video`."""
    return for_files_of_video(denoise_video())


def denoise_autoencoder() -> TrainConfig:
    """A plain convolutional autoencoder: all passes through an eighth of the resolution; what skips are measured by."""
    return dataclasses.replace(
        denoise_fast(),
        name="denoise-autoencoder",
        model={"widths": (32, 64, 96), "blocks": (1, 1, 1), "skips": False},
        seconds=30 * 60,
    )


def upscale_2x() -> TrainConfig:
    """Twice the height and width, from pictures that were reduced by the bicubic kernel: under 30 GMACs to 1280x720."""
    return dataclasses.replace(
        denoise_best(),
        name="upscale-2x",
        family="edsr",
        model={"scale": 2, "width": 32, "blocks": 6},
        seconds=2 * 3600,
        patch=128,
        lr=2e-3,
        degradation="bicubic-2x",
        loss="log_mse_fine",
        val_protocols=("bicubic:2", "patterns:2"),
    )


def upscale_4x() -> TrainConfig:
    """Four times the height and width, as `upscale-2x`: a quarter of the pixels to work on, so twice the width."""
    return dataclasses.replace(
        upscale_2x(),
        name="upscale-4x",
        model={"scale": 4, "width": 64, "blocks": 6},
        patch=192,
        degradation="bicubic-4x",
        val_protocols=("bicubic:4", "patterns:4"),
    )


def upscale_2x_robust() -> TrainConfig:
    """For small pictures that are noisy, compressed or soft as well: begin with `--from upscale-2x`."""
    return dataclasses.replace(
        upscale_2x(), name="upscale-2x-robust", degradation="small-2x", val_protocols=("small:2", "patterns:2"), lr=1e-3
    )


def upscale_4x_robust() -> TrainConfig:
    """The same for four times the height and width: begin with `--from upscale-4x`."""
    return dataclasses.replace(
        upscale_4x(), name="upscale-4x-robust", degradation="small-4x", val_protocols=("small:4", "patterns:4"), lr=1e-3
    )


def upscale_2x_drawn() -> TrainConfig:
    """For icons, logos, charts and other drawings: begin with `--from upscale-2x`."""
    return dataclasses.replace(
        upscale_2x(), name="upscale-2x-drawn", degradation="drawn-2x", val_protocols=("drawn:2", "patterns:2")
    )


def inpaint() -> TrainConfig:
    """Fills holes of up to a third of the picture from what is around them; trained for fidelity, not to invent."""
    return TrainConfig(
        name="inpaint",
        family="gated-unet",
        model={"widths": (32, 64, 96, 160), "blocks": (1, 1, 1, 4), "attention": True},
        degradation="holes",
        val_protocols=("holes:5", "holes:15", "holes:25"),
        seconds=4 * 3600,
        batch=8,
        patch=160,
        lr=2e-3,
        optimizer="muon",
        loss="log_mse_fine",
        validate_every=600,
        save_every=120,
    )


def upscale_4x_sharp() -> TrainConfig:
    """Four times the height and width, details made up to look sharp: begin with `--from upscale-4x`."""
    return sharp(upscale_4x())


def inpaint_sharp() -> TrainConfig:
    """Fills holes with what might be there instead of the mean of it: begin with `--from inpaint`."""
    return sharp(inpaint())


def _drawing(name: str, objective: str, **changes: Any) -> TrainConfig:
    """What the generating recipes share; they take pictures of any size, scaled to `model.size`."""
    settings: dict[str, Any] = {"size": (64, 64), "channels": 3, "widths": (32, 64, 96, 128, 192)}
    if name == "flow":
        settings["widths"] = (48, 96, 144)
    values: dict[str, Any] = {
        "name": name,
        "family": name,
        "objective": objective,
        "model": settings | changes.pop("model", {}),
        "seconds": 2 * 3600,
        "batch": 32,
        "ema": 0.05,
        "validate_every": 240,
        "save_every": 120,
    }
    return TrainConfig(**(values | changes))


def gan() -> TrainConfig:
    """Relativistic loss, gradient penalties at real and generated pictures, no batch norm (after arXiv:2501.05441)."""
    model = {"patch": 2, "widths": (32, 64, 128, 192)}
    options = {"loss": "relativistic", "penalty_every": 4}
    return _drawing("gan", "adversarial", lr=4e-4, beta1=0.0, beta2=0.99, model=model, options=options)


def gan_classic() -> TrainConfig:
    """DCGAN as textbooks give it (arXiv:1511.06434)."""
    options = {"loss": "bce", "penalty": "none"}
    return _drawing("gan-classic", "adversarial", lr=2e-4, beta1=0.5, beta2=0.999, options=options)


def listing_gan() -> TrainConfig:
    """The GAN of the text's listing, with the doublings that it forgot: dense discriminator, RMSprop(2e-4, 0.5)."""
    model = {"size": (28, 28), "channels": 1, "widths": (64, 64, 64), "up": "nearest", "discriminator": "dense"}
    return dataclasses.replace(
        gan_classic(), name="listing-gan", model=model, optimizer="rmsprop", lr=2e-4, beta1=0.0, beta2=0.5
    )


def vae() -> TrainConfig:
    """Convolutional variational autoencoder (arXiv:1312.6114); codes are sampled from a density fitted on them."""
    return _drawing("vae", "variational", lr=1e-3, model={"latent": 64, "components": 10})


def vae_classic() -> TrainConfig:
    """Of dense layers, with two latent numbers that can be shown as a map."""
    model = {"size": (28, 28), "channels": 1, "latent": 2, "hidden": (512, 256), "likelihood": "bernoulli"}
    return dataclasses.replace(_drawing("vae-classic", "variational"), model=model)


def listing_vae() -> TrainConfig:
    """The VAE of the text's listing: dense layers of 128, 64, 32 units, two latent numbers, Bernoulli pixels."""
    config = vae_classic()
    return dataclasses.replace(config, name="listing-vae", model=config.model | {"hidden": (128, 64, 32)})


def autoencoder() -> TrainConfig:
    """Convolutional, denoising; codes are sampled from a mixture of Gaussians fitted on them."""
    return _drawing("autoencoder", "autoencoding", model={"latent": 64}, options={"sigma": 0.1})


def autoencoder_classic() -> TrainConfig:
    """The listing's 32, 64, 128 channels with batch norm; codes are sampled from a single Gaussian."""
    return _drawing("autoencoder-classic", "autoencoding", model={"widths": (32, 64, 128), "latent": 128})


def listing_autoencoder() -> TrainConfig:
    """The convolutional autoencoder of the text's listing, with the halvings that it forgot: grey, 28x28."""
    config = autoencoder_classic()
    model = config.model | {"size": (28, 28), "channels": 1}
    return dataclasses.replace(config, name="listing-autoencoder", model=model)


def flow() -> TrainConfig:
    """Flow matching on a U-Net with attention (arXiv:2210.02747); its file generates and restores."""
    return _drawing("flow", "flow", lr=1e-3, optimizer="muon", model={"patch": 2})


def sequences() -> TrainConfig:
    """Short sequences, frame after frame, of pictures that move about: a flow with a memory, small and grey."""
    model = {"size": (32, 32), "channels": 1, "widths": (32, 64, 96), "patch": 2}
    config = _drawing("flow", "sequences", lr=1e-3, optimizer="muon", batch=8)
    return dataclasses.replace(config, name="sequences", family="sequence-flow", model=model, seconds=30 * 60)


def latent_flow() -> TrainConfig:
    """An autoencoder, then a flow in its codes (after arXiv:2112.10752): sharp pictures after little training."""
    model = {"widths": (48, 96, 160), "patch": 2}
    return _drawing("latent-flow", "latent-flow", lr=1.5e-3, optimizer="muon", model=model)


def latent_gan() -> TrainConfig:
    """An autoencoder, then a GAN in its codes: sharp pictures in one step, after little training."""
    return dataclasses.replace(
        gan(),
        name="latent-gan",
        family="latent-gan",
        objective="latent-gan",
        model=latent_flow().model,
        options=gan().options | {"coding_rate": 3.0},
    )


def classifier() -> TrainConfig:
    """Convolution, pooling, dense; trained on labelled folders."""
    config = _drawing("classifier", "classification", seconds=20 * 60, batch=64, label="folder")
    return dataclasses.replace(config, model=config.model | {"widths": (32, 64, 128)})


def answers() -> TrainConfig:
    """Answers questions about pictures, asked in words: "what shape is nearest to the red object?"."""
    config = dataclasses.replace(classifier(), name="answers", family="answerer", objective="answering", model={})
    return dataclasses.replace(config, seconds=30 * 60, batch=16, lr=2e-3, optimizer="muon", label="")


GROUPS: dict[str, dict[str, Callable[[], TrainConfig]]] = {
    "Generating": {
        "flow": flow,
        "latent-flow": latent_flow,
        "sequences": sequences,
        "gan": gan,
        "latent-gan": latent_gan,
        "vae": vae,
        "autoencoder": autoencoder,
    },
    "Generating from label maps or other pictures": {"layout": layout, "pix2pix": pix2pix},
    "Generating, to compare with": {
        "gan-classic": gan_classic,
        "vae-classic": vae_classic,
        "autoencoder-classic": autoencoder_classic,
        "listing-gan": listing_gan,
        "listing-vae": listing_vae,
        "listing-autoencoder": listing_autoencoder,
    },
    "Restoring": {
        "denoise-fast": denoise_fast,
        "denoise-best": denoise_best,
        "denoise-video": denoise_video,
        "denoise-video-fast": denoise_video_fast,
        "dejpeg-video": dejpeg_video,
        "denoise-autoencoder": denoise_autoencoder,
        "denoise-recursive": denoise_recursive,
        "dejpeg": dejpeg,
        "clean": clean,
        "deblur": deblur,
        "descreen": descreen,
        "upscale-2x": upscale_2x,
        "upscale-4x": upscale_4x,
        "upscale-2x-robust": upscale_2x_robust,
        "upscale-4x-robust": upscale_4x_robust,
        "upscale-2x-drawn": upscale_2x_drawn,
        "upscale-4x-sharp": upscale_4x_sharp,
        "inpaint": inpaint,
        "inpaint-sharp": inpaint_sharp,
        "scratches": scratches,
        "fade": fade,
        "colorize": colorize,
    },
    "Estimating what was done to a picture": {
        "noise-level": noise_level,
        "jpeg-quality": jpeg_quality,
        "blur-kernel": blur_kernel,
    },
    "Telling pictures apart": {"classifier": classifier, "answers": answers},
}
RECIPES = {name: recipe for group in GROUPS.values() for name, recipe in group.items()}


def summary(name: str) -> str:
    """A line on a recipe: the first of its docstring."""
    return (RECIPES[name].__doc__ or "").strip().splitlines()[0]
