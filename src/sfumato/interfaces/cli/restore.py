"""The command that restores pictures."""

from pathlib import Path
from typing import Annotated

import typer

from ...errors import Option, UsageError
from ...models.zoo import FOR_TASK
from .help_pages import Command, examples
from .options import (
    CLIPS,
    HOW,
    MACHINES,
    OUTPUT,
    WHAT,
    Device,
    MaxPixels,
    Memory,
    OtherModel,
    Overwrite,
    Threads,
    flag,
    parse_level,
    parse_share,
)

EXAMPLES = examples(
    "restore attic.jpg",
    "restore scans -o restored --strength 0.6",
    "restore attic.jpg -o big.png --task upscale --scale 2",
    "restore attic.jpg --task deblur --kernel motion:6@30",
    "restore digit.png --model mnist-flow --task inpaint --mask half.png --samples 16 -o samples",
    "restore grey.jpg --task colorize --hints strokes.png",
    "restore attic.jpg --dry-run",
    "restore holiday.mp4 -o clean.mp4",
    "restore frames/%04d.png -o clean.mp4 --fps 24",
)


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(cls=Command, epilog=EXAMPLES)(restore)


def restore(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT", help="Pictures, clips, folders (all pictures below), glob patterns; - is stdin."
        ),
    ],
    task: Annotated[
        str,
        typer.Option(
            metavar="auto|old-photo|NAME,...",
            help=f"What to do, in this order: {', '.join((*FOR_TASK, 'demosaic'))}; auto looks at each picture "
            "and decides; old-photo does the same and fills in scratches and spots first; others may follow: "
            "auto,upscale.",
            rich_help_panel=WHAT,
        ),
    ] = "auto",
    model: OtherModel = "default",
    scale: Annotated[
        float | None,
        typer.Option(help="How far the task upscale enlarges, to 8; 1.5, too.", show_default="2", rich_help_panel=WHAT),
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(
            help="Enlarge or reduce to this width, in pixels; the shape stays.",
            show_default=False,
            rich_help_panel=WHAT,
        ),
    ] = None,
    height: Annotated[
        int | None, typer.Option(help="The same, to this height.", show_default=False, rich_help_panel=WHAT)
    ] = None,
    megapixels: Annotated[
        float | None,
        typer.Option(help="The same, to about so many megapixels.", show_default=False, rich_help_panel=WHAT),
    ] = None,
    mask: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|alpha|#RRGGBB",
            help="Restore where this picture is white; for inpaint: what is missing (white, transparent, so painted).",
            show_default=False,
            rich_help_panel=WHAT,
        ),
    ] = None,
    hints: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Of colorize: a picture of the same size, transparent but for strokes of the colours that are known.",
            show_default=False,
            rich_help_panel=WHAT,
        ),
    ] = None,
    kernel: Annotated[
        str | None,
        typer.Option(
            metavar="auto|motion:12@30|disc:2.5|gaussian:1.8|FILE",
            help="What blurred it, for deblur, or blurred it before it was reduced, for upscale: a path of 12 pixels "
            "heading 30 degrees below the horizontal, a disc of radius 2.5, a Gaussian of that width, or a picture of "
            "what a point became, bright on black. For deblur also auto: it is looked for. For upscale also bicubic, "
            "bilinear and box.",
            show_default=False,
            rich_help_panel=WHAT,
        ),
    ] = None,
    prior: Annotated[
        bool,
        flag("--prior", "Of inpaint: by a denoiser, for pixels missing one by one, even most of them; slow.", WHAT),
    ] = False,
    pattern: Annotated[
        str,
        typer.Option(
            metavar="RGGB|BGGR|GRBG|GBRG", help="Of demosaic: the colours at the top left.", rich_help_panel=WHAT
        ),
    ] = "RGGB",
    text: Annotated[
        str | None,
        typer.Option(
            metavar="WORDS",
            help="What the picture shows, for --model emoji-text and its like, which enlarge to their size and invent.",
            show_default=False,
            rich_help_panel=WHAT,
        ),
    ] = None,
    page: Annotated[
        int | None,
        typer.Option(
            min=1, help="Which page of a file with several, from 1.", show_default=False, rich_help_panel=WHAT
        ),
    ] = None,
    all_pages: Annotated[bool, flag("--all-pages", "Every page of a TIFF file, into one of as many.", WHAT)] = False,
    dry_run: Annotated[bool, flag("--dry-run", "Only say what is found and what would be done.", WHAT)] = False,
    noise: Annotated[
        str,
        typer.Option(metavar="auto|0-75", help="Noise level (flows: to 255); auto estimates it.", rich_help_panel=HOW),
    ] = "auto",
    jpeg_quality: Annotated[
        str,
        typer.Option(
            metavar="auto|1-100",
            help="JPEG quality that the picture went through; auto estimates it.",
            rich_help_panel=HOW,
        ),
    ] = "auto",
    strength: Annotated[
        float,
        typer.Option(
            min=0.0, max=1.5, help="How much of the change is applied; 0 gives the input back.", rich_help_panel=HOW
        ),
    ] = 1.0,
    ensemble: Annotated[
        bool, flag("--ensemble", "The mean over the picture turned eight ways: a little better, slower by 8.", HOW)
    ] = False,
    look: Annotated[
        str,
        typer.Option(
            metavar="faithful|sharp",
            help="Of upscale, inpaint and old-photo: sharp makes up details, and enlarges 4 times by itself.",
            rich_help_panel=HOW,
        ),
    ] = "faithful",
    steps: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="Of undoing a known damage.", show_default="8-40", rich_help_panel=HOW),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="By a flow that --model names: so many pictures that it could have been, their mean and their spread, "
            "into the folder --output. Of the tasks inpaint, upscale, deblur, colorize and denoise.",
            show_default=False,
            rich_help_panel=HOW,
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of --samples.", show_default="0", rich_help_panel=HOW)
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR|FILE|-",
            help="Where results go; - is stdout. Without it: NAME.restored.EXT beside the input.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    compare: Annotated[
        bool, flag("--compare", "Also write NAME.compare.EXT: before, after, what changed.", OUTPUT)
    ] = False,
    mask_out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|DIR",
            help="Write what was filled in, or with --dry-run the scratches that are found, white on black; dark grey "
            "is what may be a scratch and is left: --mask leaves it, too, unless it is painted white.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="Of lossy formats.", show_default="95", rich_help_panel=OUTPUT),
    ] = None,
    keep_time: Annotated[bool, flag("--keep-time", "The result has the time of its source.", OUTPUT)] = False,
    overwrite: Overwrite = False,
    verbose: Annotated[bool, flag("--verbose", "All that is found, decided and converted.", OUTPUT, "-v")] = False,
    quiet: Annotated[bool, flag("--quiet", "Nothing but errors.", OUTPUT, "-q")] = False,
    as_json: Annotated[bool, flag("--json", "One JSON object a picture, for programs.", OUTPUT)] = False,
    fast: Annotated[
        bool, flag("--fast", "Remove noise from a clip with half the work, and a little less well.", CLIPS)
    ] = False,
    look_ahead: Annotated[
        bool,
        flag(
            "--look-ahead",
            "See the frames after each, too: of noise and compression, better, for 2.5 times the work.",
            CLIPS,
        ),
    ] = False,
    codec: Annotated[
        str | None,
        typer.Option(
            metavar="h264|h265|vp9|av1|ffv1|prores",
            help="How a clip is coded.",
            show_default="what suits the file's name and depth",
            rich_help_panel=CLIPS,
        ),
    ] = None,
    crf: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Lower is better and larger.",
            show_default="h264 18, h265 20, vp9 and av1 24",
            rich_help_panel=CLIPS,
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(help="Frames a second of numbered frames.", show_default="25", rich_help_panel=CLIPS),
    ] = None,
    preview: Annotated[
        str | None,
        typer.Option(
            metavar="5s@1:20",
            help="Only a piece of a clip, this long and from there on: before and after side by side.",
            show_default=False,
            rich_help_panel=CLIPS,
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="auto|ADDRESS",
            help="Restore on a Ray cluster: that of this machine, or at this address. INPUT may be URLs.",
            show_default=False,
            rich_help_panel=MACHINES,
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="3/16",
            help="Only this share of the pictures; the others are for other machines.",
            show_default=False,
            rich_help_panel=MACHINES,
        ),
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    memory: Memory = None,
    max_pixels: MaxPixels = 500_000_000,
) -> None:
    """Remove noise and the traces of compression from pictures and clips, as far as each has them.

    With --task: enlarge them, fill in what is missing, repair scratched old photographs, undo a blur that is known.

    Format, size, depth, transparency, colour profile and EXIF data are kept; of clips sound, subtitles, times and the
    meaning of the colours. Faces are not treated apart.

    Results that are already there are left alone, unless their input or the options have changed: the same command goes
    on with a stopped batch.
    """
    from ... import batch
    from ...batch.jobs import PREVIEW_MARK, RESULT_MARK
    from ...restoration.options import RestoreOptions
    from ...video.options import ClipOptions
    from .batch_display import display_for
    from .pipe import STREAM, check_alone, through_pipe
    from .samples import write_samples

    restoring = RestoreOptions(
        task=task,
        model=model,
        noise=parse_level(noise, "noise"),
        jpeg_quality=parse_level(jpeg_quality, "jpeg_quality"),
        scale=scale,
        width=width,
        height=height,
        megapixels=megapixels,
        strength=strength,
        mask=mask,
        hints=hints,
        ensemble=ensemble,
        kernel=kernel,
        prior=prior,
        pattern=pattern,
        steps=steps,
        text=text,
        fast=fast,
        look_ahead=look_ahead,
        look=look,
        device=device,
        threads=threads,
        memory_mb=memory,
        max_pixels=max_pixels,
    )
    if all_pages and (page is not None or compare or mask_out or dry_run):
        raise UsageError(Option("all_pages"), " goes without --page, --compare, --mask-out and --dry-run.")
    clip = ClipOptions(codec=codec, crf=crf, fps=fps, preview=preview)
    beside: dict[str, object] = {"compare": compare, "mask_out": mask_out, "json": as_json, "keep_time": keep_time}
    beside |= {"all_pages": all_pages, "ray": ray, "shard": shard, "codec": codec, "crf": crf, "fps": fps}
    beside |= {"preview": preview, "fast": fast, "look_ahead": look_ahead}
    if samples is not None:
        check_alone(beside | {"dry_run": dry_run, "quality": quality}, Option("samples"))
        write_samples(inputs, output, restoring, samples, seed=seed or 0, overwrite=overwrite, page=page)
        return
    if STREAM in inputs or output == STREAM:
        if len(inputs) > 1:
            raise UsageError(f"{STREAM} is one picture, from stdin or to stdout: give no other INPUT with it.")
        check_alone(beside | {"seed": seed}, STREAM)
        options = batch.BatchOptions(restore=restoring, quality=quality, page=page, overwrite=overwrite)
        through_pipe(inputs[0], output, options, quiet=quiet, only_preview=dry_run)
        return
    made_by = batch.fingerprint(restoring, page, quality, all_pages, *() if clip == ClipOptions() else (clip,))
    options = batch.BatchOptions(
        restore=restoring,
        mask_out=mask_out,
        quality=quality,
        overwrite=overwrite,
        page=page,
        keep_time=keep_time,
        made_by=made_by,
        all_pages=all_pages,
        clip=clip,
    )
    if is_remote := any(map(batch.is_remote, (*inputs, output or ""))):
        if ray is None or compare or mask_out:
            raise UsageError("URLs go with ", Option("ray", batch.AUTO), " and without --compare and --mask-out.")
        plan = batch.plan_remote(inputs, output, overwrite=overwrite)
    else:
        plan = batch.plan(
            *(inputs, output),
            compare=compare,
            overwrite=overwrite or dry_run,
            made_by=made_by,
            result_mark=RESULT_MARK if preview is None else PREVIEW_MARK,
        )
    if shard is not None:
        plan = plan.shard(*parse_share(shard))
    if ray is not None and dry_run:
        raise UsageError(Option("ray"), " goes without --dry-run, which looks at the pictures from here.")
    num_pixels = 0 if as_json or quiet or is_remote else batch.estimate_pixels(plan.jobs, max_pixels=max_pixels)
    display = display_for(plan.jobs, num_pixels, verbose=verbose, quiet=quiet, as_json=as_json)
    report = batch.BatchReport()
    try:
        with display:
            if ray is None:
                batch.run(plan, options, display, report, only_preview=dry_run)
            else:
                batch.run_on_ray(plan, options, display, report, address=ray)
    except KeyboardInterrupt:
        display.summarize(report, num_left=len(plan.jobs) - report.num_restored - len(report.failures))
        raise typer.Exit(130) from None
    if dry_run:
        unused: dict[str, object] = {"output": output, "compare": compare, "quality": quality, "keep_time": keep_time}
        unused |= {"codec": codec, "crf": crf, "preview": preview}
        report.without_effect += [
            Option(name) for name, value in unused.items() if value is not None and value is not False
        ]
    if seed is not None:
        report.without_effect.append(Option("seed"))
    display.summarize(report, previewed=dry_run)
    if report.failures:
        raise typer.Exit(1)
