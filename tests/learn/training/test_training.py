"""What a training run promises: a stopped run is a whole run, the clock is kept, mistakes end in a sentence."""

import copy
import dataclasses
import itertools
import json
import os
import pickle
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from training_files import DEGRADED, assert_precisions_agree, picture_folder, precisions, tiny_config

from sfumato.errors import TrainingError, UsageError
from sfumato.learn.catalog import FAMILIES, Family, create
from sfumato.learn.losses.reconstruction import RECONSTRUCTION
from sfumato.learn.networks.plain_unet import PlainUNet, PlainUNetConfig
from sfumato.learn.training import state, trainer
from sfumato.learn.training.listeners import JsonLog, Listener, ProgressBar, Sheets, read_log
from sfumato.learn.training.objectives import objective_for
from sfumato.learn.training.objectives.teaching import turned
from sfumato.learn.training.recipes import RECIPES
from sfumato.learn.training.state import Progress
from sfumato.learn.training.stores import stores
from sfumato.learn.training.trainer import is_over, schedule, train

TIMES = {"seconds", "images_per_second"}  # what differs between two runs that are otherwise the same
ROOT = Path(__file__).parents[3]


class ForgetfulUNet(PlainUNet):
    """A network that draws from torch's global generator at every step, as dropout does."""

    def forward(self, y, sigma):
        noise = F.dropout(y, 0.2) if self.training else y
        return super().forward(noise, sigma)


class StopAt(Listener):
    """Ctrl-C while the loop is at work on step `step`."""

    def __init__(self, step):
        self.step = step

    def logged(self, record):
        if record["step"] == self.step:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of pictures, decoded once for the whole module; families draw random numbers while training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setitem(FAMILIES, "forgetful", Family(ForgetfulUNet, PlainUNetConfig, {}))
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        yield picture_folder(tmp_path_factory.mktemp("data") / "pictures")
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """Uninterrupted runs of 12 steps, by family."""
    runs = {}
    for family in ("forgetful", "plain-unet"):
        runs[family] = tmp_path_factory.mktemp("whole") / family
        train(config(data, family), runs[family], listeners=[JsonLog(runs[family])])
    return runs


def config(data, family="forgetful", **changes):
    return tiny_config(data, family=family, **({"log_every": 1} | changes))


def without_times(record):
    return {key: value for key, value in record.items() if key not in TIMES}


def assert_same_run(one, other):
    """Weights, averaged weights, optimizer, best state, history and log are equal to the bit."""
    (tensors, progress), (others, progress_of_other) = state.load(one), state.load(other)
    assert tensors.keys() == others.keys()
    assert {kind.split("/")[0] for kind in tensors} == {"network", "optimizer", "average"}
    different = [name for name in tensors if not torch.equal(tensors[name], others[name])]
    assert not different
    best, best_of_other = load_file(one / "best.safetensors"), load_file(other / "best.safetensors")
    assert all(torch.equal(best[name], best_of_other[name]) for name in best_of_other)
    for facts in (progress, progress_of_other):
        facts.seconds, facts.history = 0.0, [without_times(record) for record in facts.history]
    assert progress == progress_of_other
    logs = [[without_times(record) for record in read_log(run / "log.jsonl")] for run in (one, other)]
    assert logs[0] == logs[1]


def test_the_seed_decides_the_run(data, whole, tmp_path):
    torch.manual_seed(99)
    train(config(data), tmp_path / "again", listeners=[JsonLog(tmp_path / "again")])
    assert_same_run(tmp_path / "again", whole["forgetful"])
    train(config(data, seed=1, steps=1), tmp_path / "other")
    train(config(data, seed=0, steps=1), tmp_path / "one")
    weights = [state.load(tmp_path / name)[0]["network/restorer/head.weight"] for name in ("other", "one")]
    assert not torch.allclose(*weights, atol=1e-3)


def test_the_forgetful_network_is_one_that_draws_while_training(whole):
    forgetful, plain = (state.load(whole[name])[0]["network/restorer/head.weight"] for name in whole)
    assert not torch.equal(forgetful, plain)


@pytest.mark.parametrize("step", [1, 4, 6, 11])
def test_a_stopped_and_resumed_run_is_the_whole_run(step, data, whole, tmp_path):
    progress = train(config(data), tmp_path, listeners=[JsonLog(tmp_path), StopAt(step)])
    assert progress.step == step
    assert not is_over(config(data), progress)
    progress = train(config(data), tmp_path, resume=True, listeners=[JsonLog(tmp_path)])
    assert progress.step == 12
    assert_same_run(tmp_path, whole["forgetful"])


RESTORERS = [
    "dejpeg",
    "clean",
    "deblur",
    "descreen",
    "denoise-autoencoder",
    "denoise-recursive",
    "denoise-video",
    "dejpeg-video",
    "upscale-2x",
    "upscale-2x-robust",
    "upscale-2x-drawn",
    "upscale-4x-sharp",
    "inpaint",
    "inpaint-sharp",
    "fade",
    "colorize",
    "scratches",
    "jpeg-quality",
    "blur-kernel",
]


def small(recipe, data, **changes):
    """The recipe of a restorer with a tiny network, three steps long."""
    plain = RECIPES[recipe]()
    told = {key: value for key, value in plain.model.items() if key in ("task", "scale", "skips", "pretrained")}
    if "pretrained" in told:
        told |= {"widths": (8, 8, 8), "blocks": (1, 0, 1)}
    patch, tiny = 32, FAMILIES[plain.family].tiny
    if recipe == "blur-kernel":  # 16 pixels at each end are cut off; of three classes none is near most kernels
        patch, tiny = 48, {key: value for key, value in tiny.items() if key != "classes"}
    small = {"steps": 3, "seconds": 0.0, "patch": patch, "validate_every": 2, "save_every": 1}
    settings = tiny_config(data, **small, model=tiny | told, log_every=1)
    names = ("family", "objective", "degradation", "loss", "val_protocols", "optimizer")
    return dataclasses.replace(settings, **{name: getattr(plain, name) for name in names} | changes)


@precisions
@pytest.mark.parametrize("recipe", RESTORERS)
def test_every_recipe_of_a_restorer_trains_and_goes_on_to_the_bit(recipe, precision, data, tmp_path):
    config = small(recipe, data, precision=precision)
    train(config, tmp_path / "whole", listeners=[JsonLog(tmp_path / "whole")])
    train(config, tmp_path / "cut", listeners=[JsonLog(tmp_path / "cut"), StopAt(1)])
    train(config, tmp_path / "cut", resume=True, listeners=[JsonLog(tmp_path / "cut")])
    assert_same_run(tmp_path / "cut", tmp_path / "whole")
    tensors = state.load(tmp_path / "whole")[0].values()
    assert not [value for value in tensors if value.is_floating_point() and value.dtype != torch.float32]


@pytest.mark.parametrize("recipe", [name for name, made in RECIPES.items() if made().objective in DEGRADED])
def test_a_restorer_learns_in_half_precision_what_it_learns_in_full(recipe, data):
    # Which of two like places is matched hangs on little where no noise tells them apart; of many, one counts less.
    more = {"batch": 12} if recipe == "dejpeg-video" else {}
    assert_precisions_agree(small(recipe, data, **more))


# Each learns in its own way from what it is given: another network's results or features, the loss, frozen weights.
WAYS = {
    "perceptual": ("denoise-fast", {"options": {"perceptual": 0.01}}),
    "teacher": ("denoise-fast", {"options": {"teacher": "denoise-autoencoder"}}),
    "teacher that is asked once": ("denoise-fast", {"options": {"teacher": "denoise-autoencoder", "kept": 5}}),
    "teacher without a level": ("deblur", {"options": {"teacher": "deblur", "kept": 5}}),
    "teacher and perceptual": (
        "denoise-fast",
        {"options": {"teacher": "denoise-autoencoder", "kept": 5, "perceptual": 0.01}},
    ),
    "frozen features": ("scratches", {}),
} | {f"loss {name}": ("denoise-fast", {"loss": name}) for name in RECONSTRUCTION}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_teach_a_restorer_is_the_same_in_half_precision(way, data, tmp_path):
    recipe, changes = WAYS[way]
    assert_precisions_agree(small(recipe, data, **changes))
    if not way.startswith("loss"):
        halved = small(recipe, data, precision="bf16", **changes)
        train(halved, tmp_path / "whole", listeners=[JsonLog(tmp_path / "whole")])
        train(halved, tmp_path / "cut", listeners=[JsonLog(tmp_path / "cut"), StopAt(1)])
        train(halved, tmp_path / "cut", resume=True, listeners=[JsonLog(tmp_path / "cut")])
        assert_same_run(tmp_path / "cut", tmp_path / "whole")


def test_a_teacher_in_half_precision_says_what_it_says_in_full(data):
    """Asked once or each time; its weights and results have 32 bits, whatever a file or autocast keeps."""
    given = [torch.rand(2, 3, 32, 32), torch.full((2, 1, 32, 32), 0.1)]
    teacher = objective_for(small("denoise-fast", data, options=WAYS["teacher"][1]["options"])).teacher
    assert {value.dtype for value in teacher.network.state_dict().values()} == {torch.float32}
    said = teacher.goal(given, None)
    with torch.autocast("cpu", torch.bfloat16):
        for numbers in (None, torch.tensor([3, 8]), torch.tensor([3, 8])):
            again = teacher.goal(given, numbers)
            assert again.dtype == torch.float32
            torch.testing.assert_close(again, said, rtol=0, atol=0.02)


def test_a_run_may_be_stopped_again_and_again_and_asked_to_stop_by_a_supervisor(data, whole, tmp_path):
    class Terminate(StopAt):
        def logged(self, record):
            if record["step"] == self.step:
                signal.raise_signal(signal.SIGTERM)

    for step in (2, 3, 9):
        train(config(data), tmp_path, resume=step > 2, listeners=[JsonLog(tmp_path), Terminate(step)])
        assert state.load(tmp_path)[1].step == step
    train(config(data), tmp_path, resume=True, listeners=[JsonLog(tmp_path)])
    assert_same_run(tmp_path, whole["forgetful"])


KILLED = """
import os, signal, sys
from pathlib import Path
from training_files import tiny_config
from sfumato.learn.training.listeners import JsonLog, Listener
from sfumato.learn.training.trainer import train

class Kill(Listener):
    def logged(self, record):
        if record["step"] == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)

run = Path(sys.argv[2])
train(tiny_config(Path(sys.argv[1]), log_every=1), run, resume=run.exists(), listeners=[JsonLog(run), Kill()])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9 there")
def test_a_killed_run_goes_on_from_its_last_saved_state(data, whole, tmp_path):
    run = tmp_path / "run"
    command = [sys.executable, "-c", KILLED, str(data), str(run), "9"]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    killed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert state.load(run)[1].step == 6
    with open(run / "log.jsonl", "a") as log:
        assert read_log(run / "log.jsonl")[-1]["step"] == 9
        log.write('{"step": 10, "fra')  # what a power cut leaves
    train(config(data, "plain-unet"), run, resume=True, listeners=[JsonLog(run)])
    assert_same_run(run, whole["plain-unet"])


def test_a_run_that_was_killed_before_it_saved_anything_begins_again(data, whole, tmp_path):
    tmp_path.joinpath("config.json").write_text(config(data).to_json())
    tmp_path.joinpath("log.jsonl").write_text('{"step": 1, "lr": 0.1}\n')
    train(config(data), tmp_path, resume=True, listeners=[JsonLog(tmp_path)])
    assert_same_run(tmp_path, whole["forgetful"])


def test_worker_processes_change_nothing(data, whole, tmp_path):
    """One worker, which starts from nothing and draws all kinds of degradation, the ones through libvips too."""
    train(config(data, workers=1), tmp_path, listeners=[JsonLog(tmp_path)])
    assert_same_run(tmp_path, whole["forgetful"])


def test_the_average_is_an_exponential_one_whose_horizon_is_a_share_of_the_run(data, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(state, "save", lambda run, tensors, _: saved.append({n: v.clone() for n, v in tensors.items()}))
    train(config(data, save_every=1, ema=0.25, steps=16), tmp_path)
    name, horizon = "head.weight", 0.25 * 16
    for step, (before, after) in enumerate(pairwise(saved[:15]), 1):
        decay = min(2.718281828 ** (-1 / horizon), (1 + step) / (10 + step))
        expected = decay * before[f"average/{name}"] + (1 - decay) * after[f"network/restorer/{name}"]
        assert torch.allclose(after[f"average/{name}"], expected, atol=1e-7)


def test_a_perceptual_loss_reaches_the_restorer_and_stays_out_of_the_state(data, tmp_path):
    """Stopped and resumed it is the whole run; the network that judges is neither trained nor saved."""
    looks = config(data, "plain-unet", steps=4, validate_every=3, options={"perceptual": 0.01})
    objective = objective_for(looks)
    network = objective.networks["restorer"]
    batch = {"y": torch.rand(2, 3, 32, 32), "level": torch.rand(2, 1, 32, 32) / 5, "x": torch.rand(2, 3, 32, 32)}
    terms = objective.losses("restorer", objective.networks, batch)
    assert list(terms) == ["l1", "perceptual"]
    terms["perceptual"].backward()
    assert all(float(p.grad.abs().max()) > 0 for p in network.parameters())
    assert not any(p.requires_grad for p in objective.stages.parameters())
    twice = objective_for(dataclasses.replace(looks, options={"perceptual": 0.02}))
    twice.networks["restorer"].load_state_dict(network.state_dict())
    doubled = twice.losses("restorer", twice.networks, batch)["perceptual"]
    assert doubled.item() == pytest.approx(2 * terms["perceptual"].item())

    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(looks, whole, listeners=[JsonLog(whole)])
    train(looks, stopped, listeners=[JsonLog(stopped), StopAt(2)])
    train(looks, stopped, resume=True, listeners=[JsonLog(stopped)])
    assert_same_run(stopped, whole)
    record = read_log(whole / "log.jsonl")[0]
    assert {"l1", "perceptual"} <= record.keys()
    history = state.load(whole)[1].history
    assert all(h["score"] == -h["loss"] for h in history)  # by the PSNR the best state would be the first


def test_without_the_option_the_judge_is_not_even_loaded(data, monkeypatch):
    monkeypatch.setattr("sfumato.learn.training.objectives.restoration.Stages", None)
    objective = objective_for(config(data, "plain-unet"))
    batch = {"y": torch.rand(1, 3, 32, 32), "level": torch.rand(1, 1, 32, 32), "x": torch.rand(1, 3, 32, 32)}
    assert list(objective.losses("restorer", objective.networks, batch)) == ["l1"]


def test_a_teacher_is_asked_once_for_a_patch_that_its_pupil_learns_turned(data, tmp_path, monkeypatch):
    taught = config(data, "plain-unet", steps=4, options={"teacher": "denoise-autoencoder", "kept": 5}, loss="l2")
    objective = objective_for(taught)
    torch.manual_seed(5)
    teacher = create("plain-unet", taught.model).eval()
    objective.teacher.network = copy.deepcopy(teacher)
    samples = list(itertools.islice(objective.dataset(stores(taught, objective)[0]), 40))
    assert {int(sample["number"]) for sample in samples} == set(range(5))
    assert {int(sample["turn"]) for sample in samples} == set(range(8))
    asked = []
    forward = objective.teacher.network.forward
    monkeypatch.setattr(objective.teacher.network, "forward", lambda *given: asked.append(1) or forward(*given))
    pupil = objective.networks["restorer"]
    pupil.load_state_dict(teacher.state_dict())
    upright = [sample for sample in samples if int(sample["turn"]) == 0]
    for some, least in ((upright, 0.0), (samples, 1e-9)):
        batch = {key: torch.stack([sample[key] for sample in some]) for key in some[0]}
        error = objective.losses("restorer", objective.networks, batch)["l2"].item()
        assert least <= error < (1e-7 if some is upright else 1e-2)
    assert len(asked) == 5
    turned_by_hand = [
        torch.rot90(samples[0]["x"].flip(2) if way > 3 else samples[0]["x"], way, (1, 2)) for way in range(8)
    ]
    assert torch.equal(turned(samples[0]["x"].expand(8, -1, -1, -1), torch.arange(8)), torch.stack(turned_by_hand))

    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(taught, whole, listeners=[JsonLog(whole)])
    train(taught, stopped, listeners=[JsonLog(stopped), StopAt(2)])
    train(taught, stopped, resume=True, listeners=[JsonLog(stopped)])
    assert_same_run(stopped, whole)
    fresh = objective_for(dataclasses.replace(taught, options={"teacher": "denoise-autoencoder"}))
    batch = {key: value[None] for key, value in fresh.dataset(stores(taught, fresh)[0])[0].items()}
    assert batch.keys() == {"x", "y", "level"}
    assert fresh.losses("restorer", fresh.networks, batch)["l2"].item() > 0


def test_the_schedule_is_fitted_to_the_clock(data, tmp_path):
    timed = config(data, "plain-unet", steps=0, seconds=3.0, validate_every=2, save_every=1)
    progress = train(timed, tmp_path, listeners=[JsonLog(tmp_path)])
    assert progress.fraction == 1
    assert 3 <= progress.seconds < 5
    steps = [record for record in read_log(tmp_path / "log.jsonl") if "lr" in record]
    assert all(abs(record["fraction"] - min(record["seconds"] / 3, 1)) < 1e-6 for record in steps)
    assert steps[-1]["lr"] < 0.01 * timed.lr
    assert max(record["lr"] for record in steps) > 0.5 * timed.lr
    assert json.loads((tmp_path / "state.json").read_text())["progress"]["step"] == progress.step == steps[-1]["step"]


@given(st.floats(0, 1), st.floats(0.01, 0.5))
def test_schedule_stays_between_a_thousandth_and_one(fraction, warmup):
    assert 1e-3 - 1e-9 <= schedule(fraction, warmup) <= 1
    assert schedule(warmup, warmup) == pytest.approx(1)
    assert schedule(1.0, warmup) == pytest.approx(1e-3)
    later = min(fraction + 0.01, 1.0)
    assert fraction < warmup or schedule(later, warmup) <= schedule(fraction, warmup)


def test_patience_ends_a_run_and_the_end_stays_the_end(data, tmp_path):
    still = config(data, lr=1e-12, patience=2, validate_every=1)
    progress = train(still, tmp_path)
    assert (progress.step, progress.best_step) == (3, 1)
    assert is_over(still, progress)
    assert train(still, tmp_path, resume=True).step == 3
    assert train(dataclasses.replace(still, patience=4), tmp_path, resume=True).step == 5


@pytest.mark.parametrize("log_every", [1, 100])
def test_a_loss_that_is_no_number_stops_the_run_and_spares_the_state(log_every, data, tmp_path, monkeypatch):
    calls = []

    def breaks(x_hat, x):
        calls.append(1)
        return F.l1_loss(x_hat, x) * (float("nan") if len(calls) == 8 else 1)

    monkeypatch.setitem(RECONSTRUCTION, "breaks", breaks)
    broken = config(data, loss="breaks", log_every=log_every, save_every=1)
    with pytest.raises(TrainingError, match=rf"NaN or infinite at step 8.*resume=.{tmp_path}. with lr=0.0003"):
        train(broken, tmp_path)
    tensors, progress = state.load(tmp_path)
    assert progress.step == 7
    assert all(bool(value.isfinite().all()) for value in tensors.values())
    assert train(broken, tmp_path, resume=True).step == 12


def test_a_directory_with_a_run_in_it_is_refused_unless_it_is_resumed(data, whole):
    with pytest.raises(TrainingError, match="holds a run already; go on with resume="):
        train(config(data), whole["forgetful"])


def test_a_directory_that_another_process_works_in_is_refused(data, tmp_path):
    with state.claimed(tmp_path, resume=False), pytest.raises(TrainingError, match="is in use by another process"):
        train(config(data), tmp_path)
    assert train(config(data, steps=1), tmp_path).step == 1


def test_a_state_of_another_network_or_a_damaged_one_is_one_sentence(data, tmp_path):
    train(config(data, steps=1), tmp_path)
    with pytest.raises(TrainingError, match=r"another network than config\.json names"):
        train(config(data, model={"widths": (8, 16), "blocks": (1, 1)}), tmp_path, resume=True)
    next(tmp_path.glob("state-*")).write_bytes(b"cut off")
    with pytest.raises(TrainingError, match="no training state that can be read"):
        train(config(data), tmp_path, resume=True)


def test_resuming_on_other_pictures_says_so(data, tmp_path):
    class Notes(Listener):
        def __init__(self):
            self.sentences = []

        def noted(self, sentence):
            self.sentences.append(sentence)

    grown = picture_folder(tmp_path / "pictures", 4)
    run, notes = tmp_path / "run", Notes()
    train(config(grown), run, listeners=[StopAt(2)])
    train(config(grown), run, resume=True, listeners=[StopAt(3), notes])
    assert notes.sentences == []
    picture_folder(grown, 5)
    train(config(grown), run, resume=True, listeners=[notes])
    assert len(notes.sentences) == 1


def test_every_listener_hears_the_end_also_of_a_failed_run(data, tmp_path):
    class Fails(Listener):
        ends = 0

        def logged(self, record):
            raise OSError("disk full")

        def ended(self, progress):
            self.ends += 1

    listener, before = Fails(), signal.getsignal(signal.SIGINT)
    with pytest.raises(OSError, match="disk full"):
        train(config(data), tmp_path, listeners=[listener])
    assert listener.ends == 1
    assert signal.getsignal(signal.SIGINT) is before


def test_samples_come_early_and_hold_before_after_truth(data, tmp_path):
    import pyvips

    train(config(data, steps=1), tmp_path, listeners=[Sheets(tmp_path), JsonLog(tmp_path)])
    sheet = pyvips.Image.new_from_file(str(tmp_path / "samples" / "00000001.png"))
    assert (sheet.width, sheet.height, sheet.bands) == (3 * 192, 192, 3)
    assert read_log(tmp_path / "log.jsonl")[0]["step"] == 1


@pytest.mark.parametrize(("every", "lines"), [(0.0, 5), (1e6, 2)])
def test_without_a_terminal_progress_is_a_line_now_and_then(every, lines, data, capsys):
    bar = ProgressBar(config(data, steps=100), every=every)
    for step in (1, 25, 50, 75, 100):
        record = {"step": step, "fraction": step / 100, "seconds": 2.0 * step, "lr": 1e-3, "images_per_second": 2.0}
        bar.logged(record | {"l1": 0.5})
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == lines
    assert "step 1  l1 0.5000  2 images/s  0:03:18 left" in printed[0]


def test_batches_that_do_not_divide_are_refused_with_one_that_does(data, tmp_path, monkeypatch):
    class Three:
        num_processes, is_main_process, device = 3, True, torch.device("cpu")

    monkeypatch.setattr(trainer, "_processes", Three)
    with pytest.raises(UsageError, match="batch=4 does not divide among 3 processes; batch=6 does"):
        train(config(data), tmp_path)


def test_progress_is_plain_numbers_that_json_keeps():
    progress = Progress(step=3, best_score=float("-inf"), history=[{"step": 1, "psnr_15": 30.25}])
    assert Progress(**json.loads(json.dumps(dataclasses.asdict(progress)))) == progress
    assert pickle.loads(pickle.dumps(progress)) == progress
