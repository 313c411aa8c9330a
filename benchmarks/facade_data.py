"""Facades and their label maps as pairs, and a segmenter of real ones that judges generated ones.

DATA/generation/facades holds train and test, photographs as JPEG and label maps of the same names as PNG (CMP Facades,
Tylecek and Sara 2013). Both are brought to folders of photographs and of label maps, which training takes; every tenth
training pair is kept back to choose by. The segmenter is trained on all real training pairs at 128x128, mirrored and
cropped at random, and never sees a generated picture.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sfumato.conditions.layout import numbers_of
from sfumato.learn.cache import cache_folder
from sfumato.learn.data.folders import list_pictures
from sfumato.learn.data.pairs import partners
from sfumato.learn.data.store import PictureStore
from sfumato.learn.layers.convolution import ResidualBlock
from sfumato.learn.networks.trunk import Trunk
from sfumato.learn.pretrained import Stages

SIZE = (128, 128)
# Names as the data set's makers have them.
PALETTE = {
    "#0000aa": "background",
    "#0000ff": "facade",
    "#0055ff": "window",
    "#00aaff": "door",
    "#00ffff": "cornice",
    "#55ffaa": "sill",
    "#aaff55": "balcony",
    "#ffff00": "blind",
    "#ffaa00": "deco",
    "#ff5500": "molding",
    "#ff0000": "pillar",
    "#aa0000": "shop",
}
STEPS, BATCH, LR = 1200, 12, 2e-3  # of the segmenter


def folders(data: Path) -> dict[str, Path]:
    """Photographs to fit, to choose by and to test with, and all label maps."""
    place = cache_folder("facades")
    found = {name: place / name for name in ("fit", "choose", "test", "labels")}
    if not (found["labels"] / "palette.json").is_file():
        for folder in found.values():
            folder.mkdir(parents=True, exist_ok=True)
        for part in ("train", "test"):
            for number, photo in enumerate(sorted((data / "generation" / "facades" / part).glob("*.jpg"))):
                role = "test" if part == "test" else "choose" if number % 10 == 9 else "fit"
                shutil.copyfile(photo, found[role] / f"{part}-{photo.name}")
                shutil.copyfile(photo.with_suffix(".png"), found["labels"] / f"{part}-{photo.stem}.png")
        (found["labels"] / "palette.json").write_text(json.dumps(PALETTE))
    return found


def pairs(data: Path, *parts: str) -> tuple[np.ndarray, np.ndarray]:
    """Photographs uint8 `n h w 3` and the numbers of their labels `n h w`, of SIZE."""
    found = folders(data)
    photos, labels = [], []
    for part in parts:
        store = PictureStore.build(list_pictures(found[part]), channels=3, size=SIZE)
        maps = partners(store, str(found["labels"]), SIZE, labels=True)
        photos += [store[i] for i in range(len(store))]
        labels += [numbers_of(maps[i], tuple(PALETTE))[0] for i in range(len(store))]
    return np.stack(photos), np.stack(labels)


class Reader(Trunk):
    """x `b 3 h w` in [0, 1] -> logits of the labels `b 12 h w`, with what EfficientNet-Lite0 sees beside."""

    def __init__(self) -> None:
        widths = (32, 64, 96)
        super().__init__(3, 4 * len(PALETTE), widths=widths, blocks=(1, 1, 2), block=ResidualBlock, bias=True)
        self.stages = Stages(("1/4", "1/8", "1/16"))
        places = (widths[1], widths[2], widths[2])
        self.join = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip((24, 40, 112), places, strict=True))
        nn.init.kaiming_uniform_(self.tail.weight)

    inputs = outputs = ()

    def forward(self, x: Tensor) -> Tensor:
        quarter, eighth, sixteenth = (join(seen) for join, seen in zip(self.join, self.stages(x), strict=True))
        beside = quarter, eighth + F.interpolate(sixteenth, scale_factor=2.0)
        return F.pixel_shuffle(self.through(x - 0.5, beside=beside), 2)


def reader(data: Path) -> Reader:
    """The segmenter, trained where it is not there yet."""
    file = cache_folder("facades") / f"reader-{STEPS}.pt"
    torch.manual_seed(0)
    network = Reader()
    if not file.is_file():
        _train(network, *pairs(data, "fit", "choose"))
        torch.save(network.state_dict(), file)
    network.load_state_dict(torch.load(file, weights_only=True))
    return network.eval()


def _train(network: Reader, photos: np.ndarray, labels: np.ndarray) -> None:
    x_all, labels_all = torch.from_numpy(photos).permute(0, 3, 1, 2).float() / 255, torch.from_numpy(labels).long()
    learning = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, LR, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, STEPS)
    for step in range(STEPS):
        chosen = torch.randint(len(x_all), (BATCH,))
        x, wanted = x_all[chosen], labels_all[chosen]
        if step % 2:
            x, wanted = x.flip(3), wanted.flip(2)
        side = 16 * int(torch.randint(5, 9, ()))
        top, left = (int(torch.randint(SIZE[0] - side + 1, ())) for _ in range(2))
        x, wanted = x[:, :, top : top + side, left : left + side], wanted[:, top : top + side, left : left + side]
        x = (x * (0.7 + 0.6 * torch.rand(BATCH, 1, 1, 1)) + 0.2 * torch.rand(BATCH, 3, 1, 1) - 0.1).clamp(0, 1)
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(network(x).float(), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"segmenter: step {step} of {STEPS}, cross-entropy {float(loss.detach()):.3f}", flush=True)


@torch.no_grad()
def read_as(network: Reader, photos: np.ndarray) -> np.ndarray:
    """The label that each pixel of uint8 `n h w 3` is read as, `n h w`."""
    x = torch.from_numpy(photos).permute(0, 3, 1, 2).float() / 255
    return np.concatenate([network(part).argmax(1).numpy() for part in x.split(16)])


def mean_iou(read: np.ndarray, wanted: np.ndarray) -> float:
    """Intersection over union, the mean over the labels, each counted over all pictures."""
    shares = []
    for label in range(len(PALETTE)):
        both, either = ((read == label) & (wanted == label)).sum(), ((read == label) | (wanted == label)).sum()
        shares.append(both / either)
    return float(np.mean(shares))
