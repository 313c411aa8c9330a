"""What the trainer costs: `python benchmarks/bench_training.py [DATA] [--chunks N] [--compile]`.

A flow, a GAN and a denoiser are trained by the product, as a run does it, and by the plain loops below: the same
networks, losses, batch size, precision, clipped gradients and optimizer, the pictures in memory, and nothing else: the
averaged weights, the samples that follow from the seed and the log are on the trainer's side. One thread. The two
take turns, a chunk of steps each, in one process; the rate is of the quickest chunk, the share the median of the pairs.
Pictures are drawn here: DATA is not used. --compile adds runs with `compile=true` (minutes more).
"""

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from sfumato.errors import SfumatoError
from sfumato.learn.losses.adversarial import GAMES, zero_centred
from sfumato.learn.losses.flow import linear_path, logit_normal
from sfumato.learn.losses.reconstruction import log_mse
from sfumato.learn.training.config import TrainConfig
from sfumato.learn.training.listeners import Listener
from sfumato.learn.training.objectives import objective_for
from sfumato.learn.training.recipes import RECIPES
from sfumato.learn.training.trainer import train
from sfumato.pictures.picture import Picture

CHUNK = 10  # steps
SIZES = {"flow": 32, "gan": 32, "denoise-fast": 128}
SETTINGS = {
    "flow": {"model.size": "[32,32]", "batch": "16", "optimizer": "adamw"},
    "gan": {"model.size": "[32,32]", "model.widths": "[32,64,96]", "batch": "16", "options.penalty_every": "4"},
    "denoise-fast": {"degradation": "gaussian", "optimizer": "adamw", "patch": "96"},
}


def flow_loop(config: TrainConfig, x: Tensor) -> Iterator[None]:
    network = objective_for(config).networks["velocity"].train()
    adam = torch.optim.AdamW(network.parameters(), config.lr, betas=(config.beta1, config.beta2), fused=True)
    while True:
        adam.zero_grad(set_to_none=True)
        batch = 2 * x[torch.randint(len(x), (config.batch,))] - 1
        path = linear_path(batch, torch.randn_like(batch), logit_normal(len(batch)))
        with autocast():
            found = network(path.x_t, path.t, None)
        (found.float() - path.velocity).square().mean().backward()
        clip_grad_norm_(network.parameters(), config.clip)
        adam.step()
        yield


def gan_loop(config: TrainConfig, x: Tensor) -> Iterator[None]:
    networks = objective_for(config).networks
    judge, generator = networks["discriminator"].train(), networks["generator"].train()
    betas, game, gamma, step = (config.beta1, config.beta2), GAMES["relativistic"], x[0, 0].numel() / 2048, 0
    adams = [torch.optim.AdamW(net.parameters(), config.lr, betas=betas, fused=True) for net in (judge, generator)]
    every, latent = config.options["penalty_every"], generator.config.latent
    while True:
        batch = x[torch.randint(len(x), (config.batch,))]
        adams[0].zero_grad(set_to_none=True)
        judge.requires_grad_(True)
        with autocast(), torch.no_grad():
            drawn = generator(torch.randn(len(batch), latent), None).float()
        penalized = step % every == 0
        real = batch.requires_grad_(penalized)
        drawn.requires_grad_(penalized)
        with autocast():
            of_real, of_drawn = judge(real, None).float(), judge(drawn, None).float()
        loss = game.discriminator(of_real, of_drawn)
        if penalized:
            loss = loss + gamma * every * (zero_centred(of_real, real) + zero_centred(of_drawn, drawn))
        loss.backward()
        clip_grad_norm_(judge.parameters(), config.clip)
        adams[0].step()
        adams[1].zero_grad(set_to_none=True)
        judge.requires_grad_(False)
        with autocast():
            drawn = generator(torch.randn(len(batch), latent), None)
            with torch.no_grad():
                of_real = judge(batch.detach(), None).float()
            game.generator(of_real, judge(drawn.float(), None).float()).backward()
        clip_grad_norm_(generator.parameters(), config.clip)
        adams[1].step()
        step += 1
        yield


def denoiser_loop(config: TrainConfig, x: Tensor) -> Iterator[None]:
    network = objective_for(config).networks["restorer"].train()
    adam = torch.optim.AdamW(network.parameters(), config.lr, betas=(config.beta1, config.beta2), fused=True)
    while True:
        adam.zero_grad(set_to_none=True)
        batch = x[torch.randint(len(x), (config.batch,)), :, : config.patch, : config.patch]
        sigma = torch.rand(len(batch), 1, 1, 1) * (75 / 255)
        y = batch + sigma * torch.randn_like(batch)
        with autocast():
            x_hat = network(y, sigma.expand(-1, 1, *y.shape[2:]))
        log_mse(x_hat.float(), batch).backward()
        clip_grad_norm_(network.parameters(), config.clip)
        adam.step()
        yield


LOOPS: dict[str, Callable[[TrainConfig, Tensor], Iterator[None]]] = {
    "flow": flow_loop,
    "gan": gan_loop,
    "denoise-fast": denoiser_loop,
}


def autocast() -> torch.autocast:
    """The precision that the trainer takes by itself on this machine."""
    fast = bool(torch.cpu.get_capabilities().get("avx512_bf16"))
    return torch.autocast("cpu", torch.bfloat16, enabled=fast)


class Turns(Listener):
    """Times each chunk of the trainer's steps, then lets the plain loop go as many."""

    def __init__(self, plain: Iterator[None]) -> None:
        self.plain, self.from_step, self.since = plain, 0, 0.0
        self.pairs: list[tuple[float, float]] = []  # seconds of the trainer, of the plain loop
        for _ in range(CHUNK // 2):
            next(plain)

    def logged(self, record: dict[str, float]) -> None:
        now, step = time.perf_counter(), int(record["step"])
        if step % CHUNK == 0:
            for _ in range(CHUNK):
                next(self.plain)
            if step > 2 * CHUNK:  # what is warm, and not broken by a validation
                self.pairs.append((now - self.since, time.perf_counter() - now))
            self.since = time.perf_counter()


def pictures(folder: Path, side: int, count: int) -> Tensor:
    """Smooth ones, as files in the folder and as a tensor."""
    draw, found = np.random.default_rng(side + count), []
    folder.mkdir()
    for number in range(count):
        planes = np.cumsum(np.cumsum(draw.standard_normal((side, side, 3)), 0), 1)
        planes = ((planes - planes.min()) / np.ptp(planes)).astype(np.float32)
        Picture.from_array(planes).save(folder / f"{number}.png")
        found.append(torch.from_numpy(planes.transpose(2, 0, 1).copy()))
    return torch.stack(found)


def measured(name: str, place: Path, x: Tensor, chunks: int, *, compiled: bool) -> list[tuple[float, float]]:
    config = dataclasses.replace(RECIPES[name](), data=str(place / "data"), val=str(place / "val"))
    steps = (chunks + 3) * CHUNK
    common = {"steps": f"{steps}", "threads": "1", "log_every": f"{CHUNK}", "compile": f"{compiled}".lower()}
    # Validated after the first step and the last, with too few pictures held out for more than a sheet; saved once.
    common |= {"validate_every": f"{2 * steps}", "save_every": f"{2 * steps}", "val_protocols": '["gaussian:25"]'}
    config = config.with_settings(common | SETTINGS[name])
    torch.set_num_threads(1)
    turns = Turns(LOOPS[name](config, x))
    train(config, place / ("compiled" if compiled else "run"), listeners=[turns])
    return turns.pairs[:chunks]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", help="not used")
    parser.add_argument("--chunks", type=int, default=12, help=f"of {CHUNK} steps, of each loop")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--only", choices=SETTINGS)
    options = parser.parse_args()
    print("\n| what | loop | pictures a second | share of the plain loop, median | lowest | highest |")
    print("|---|---|---:|---:|---:|---:|", flush=True)
    for name in SETTINGS:
        if options.only not in (None, name):
            continue
        with tempfile.TemporaryDirectory() as work:
            place = Path(work)
            x = pictures(place / "data", SIZES[name], 64)
            pictures(place / "val", SIZES[name], 2)
            for compiled in (False, True) if options.compile else (False,):
                loop = "trainer, compile=true" if compiled else "trainer"
                try:
                    pairs = measured(name, place, x, options.chunks, compiled=compiled)
                except (RuntimeError, SfumatoError) as failed:
                    print(f"| {name} | {loop} | fails: {str(failed).splitlines()[0][:80]} | | | |", flush=True)
                    continue
                pictures_each = CHUNK * RECIPES[name]().with_settings(SETTINGS[name]).batch
                ours, plain = (pictures_each / min(seconds) for seconds in zip(*pairs, strict=True))
                shares = sorted(theirs / own for own, theirs in pairs)
                if not compiled:
                    print(f"| {name} | plain | {plain:.1f} | | | |")
                middle = f"{np.median(shares):.3f} | {shares[0]:.3f} | {shares[-1]:.3f}"
                print(f"| {name} | {loop} | {ours:.1f} | {middle} |", flush=True)


if __name__ == "__main__":
    main()
