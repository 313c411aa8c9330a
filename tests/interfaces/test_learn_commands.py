"""`sfumato train`, `export`: a run from the command line, stopped by Ctrl-C, resumed, on one process and on two."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import numpy as np
import pytest
import torch
from model_files import identity
from training_files import picture_folder

from sfumato import Picture
from sfumato.learn.export import read_weights
from sfumato.learn.training import state
from sfumato.learn.training.listeners import read_log
from sfumato.learn.training.trainer import AGREE_EVERY
from sfumato.models.engine import load as load_model

STEPS = 24
SETTINGS = {
    "steps": STEPS,
    "batch": 4,
    "patch": 32,
    "model.widths": [8, 12],
    "model.blocks": [1, 1],
    "precision": "fp32",
    "threads": 1,
    "log_every": 1,
    "validate_every": 10,
    "save_every": 100,
    "val_protocols": ["gaussian:25"],
}


def settings(**changes):
    return [part for key, value in (SETTINGS | changes).items() for part in ("--set", f"{key}={json.dumps(value)}")]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder of pictures in DATA, and an environment with a cache of its own, on one thread."""
    folder = tmp_path_factory.mktemp("learn")
    picture_folder(folder / "DATA")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.chdir(folder)
        threads = torch.get_num_threads()
        yield folder
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def finished(workplace):
    """A run that nothing stopped, by the command line in this process."""
    from sfumato.interfaces.cli.main import main

    assert main(["train", "denoise-fast", "--data", "DATA", "--run", "finished", *settings()]) == 0
    return workplace / "finished"


def differences(one, other):
    (tensors, _), (others, _) = state.load(one), state.load(other)
    assert tensors.keys() == others.keys()
    wanted = [name for name, value in tensors.items() if "optimizer" not in name and value.numel()]
    return max(float((tensors[name].double() - others[name].double()).abs().max()) for name in wanted)


def wait_for_step(run, step):
    deadline = time.monotonic() + 90
    while not any(record["step"] >= step for record in read_log(run / "log.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_a_run_leaves_its_files_and_a_finished_one_is_only_exported_again(finished, run):
    for name in ("config.json", "log.jsonl", "report.md", "loss.png", "validation.png", "gap.png", "tensorboard"):
        assert (finished / name).exists(), name
    assert [sheet.stem for sheet in sorted((finished / "samples").iterdir())] == [
        "00000001",
        "00000011",
        "00000021",
        "00000024",
    ]
    card = load_model(finished / "model.onnx").card
    assert (card.family, card.task, card.training["steps"]) == ("plain-unet", "denoise", STEPS)
    assert card.training["command"].startswith("sfumato train denoise-fast --data DATA --set")
    assert "nothing was validated" not in (finished / "report.md").read_text().lower()

    untouched = {p: p.stat().st_mtime_ns for p in finished.iterdir() if p.name.startswith(("state", "log", "best"))}
    (finished / "model.onnx").unlink()
    ran = run("train", "--resume", finished)
    assert (ran.status, ran.out.strip()) == (0, str(finished / "model.onnx"))
    assert (finished / "model.onnx").exists()
    assert untouched == {path: path.stat().st_mtime_ns for path in untouched}


def test_a_second_run_in_the_same_directory_is_refused(finished, run):
    ran = run("train", "denoise-fast", "--data", "DATA", "--run", "finished", *settings())
    assert ran.status == 1
    assert (
        ran.err.strip()
        == "sfumato: finished holds a run already; go on with --resume finished, or choose another --run."
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl-C can be sent there")
def test_ctrl_c_stops_with_a_sentence_and_the_resumed_run_is_the_whole_run(workplace, finished, run):
    """The run is slowed by a validation after every step, so that it can be caught in the middle."""
    command = [sys.executable, "-m", "sfumato", "train", "denoise-fast", "--data", "DATA", "--run", "stopped"]
    log = workplace / "stopped" / "log.jsonl"
    with open(workplace / "said", "w") as said:
        process = subprocess.Popen([*command, *settings(validate_every=1)], stdout=said, stderr=said)
        wait_for_step(workplace / "stopped", 2)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    *lines, last = (workplace / "said").read_text().splitlines()
    step = state.load(workplace / "stopped")[1].step
    assert 2 <= step < STEPS
    assert last == f"stopped at step {step}; go on with: sfumato train --resume stopped"
    assert not any("Traceback" in line for line in lines)
    assert not (workplace / "stopped" / "model.onnx").exists()

    assert run("train", "--resume", "stopped").status == 0
    assert differences(workplace / "stopped", finished) == 0
    steps = [record["step"] for record in read_log(log) if "lr" in record]
    assert steps == list(range(1, STEPS + 1))


def test_export_writes_the_best_state(finished, run, tmp_path):
    ran = run("export", finished, "-o", tmp_path / "best.onnx")
    assert (ran.status, ran.out.strip()) == (0, str(tmp_path / "best.onnx"))
    card, weights = read_weights(tmp_path / "best.onnx")
    best = state.load_file(finished / "best.safetensors")
    assert all(torch.allclose(weights[name], best[name].half().float(), atol=1e-3) for name in best)
    assert card.training["validation"]


def test_fine_tuning_from_a_model_file_begins_where_the_file_ends(finished, workplace, run, monkeypatch):
    monkeypatch.setattr("sfumato.learn.training.launch.export_run", lambda run, **_: None)
    own = [part for part in settings(steps=1, lr=1e-12) if not part.startswith("model.")]
    own = [part for part, after in zip(own, [*own[1:], ""], strict=True) if not (part == after == "--set")]
    ran = run("train", "denoise-fast", "--data", "DATA", "--run", "tuned", "--from", "finished/model.onnx", *own)
    assert ran.status == 0, ran.err
    tensors, weights = state.load(workplace / "tuned")[0], read_weights(finished / "model.onnx")[1]
    for name, value in tensors.items():
        if name.startswith("average/"):
            assert torch.allclose(value, weights[name.removeprefix("average/")], atol=1e-9)
    config = json.loads((workplace / "tuned" / "config.json").read_text())
    assert config["started_from"] == "finished/model.onnx"
    ran = run("train", "denoise-fast", "--data", "DATA", "--from", "finished/model.onnx", "--set", "model.widths=[8,9]")
    assert ran.status == 1
    assert "leave out --set model.*" in ran.err


def test_evaluate_says_how_different_the_results_look_where_it_is_asked_to(workplace, run, tmp_path):
    (tmp_path / "same.onnx").write_bytes(identity())
    command = ["evaluate", tmp_path / "same.onnx", "--data", "DATA", "--threads", "1", "--protocol", "gaussian:25"]
    plain, asked = run(*command), run(*command, "--perceptual", "--protocol", "jpeg-grey:20")
    assert plain.status == asked.status == 0, asked.err
    assert "perceptual" not in plain.out
    for line in asked.out.splitlines():
        found = re.search(
            r"SSIM 0\.\d+, perceptual distance (\S+) \(before (\S+), EfficientNet-Lite0\), \S+ MP/s", line
        )
        assert found, line
        assert 0 < float(found[1]) == pytest.approx(float(found[2]), abs=2e-4)
    assert len(asked.out.splitlines()) == 2


def test_a_code_is_found_saved_and_varied(run, tmp_path):
    digit = np.zeros((28, 28), np.uint8)
    digit[4:24, 12:16] = 255
    Picture.from_array(digit.astype(np.float32) / 255).save(tmp_path / "one.png")
    few = ("--steps", "6", "--starts", "2", "-o", str(tmp_path / "found"))
    done = run("invert", "mnist-gan", str(tmp_path / "one.png"), "--class", "1", *few)
    assert done.status == 0
    assert "residual" in done.out
    assert run("invert", "mnist-gan", str(tmp_path / "one.png"), *few).err.startswith("sfumato: ")
    code = str(tmp_path / "found" / "one.npz")
    assert run("vary", "mnist-gan", code, "-n", "2", "-o", str(tmp_path / "like")).status == 0
    assert run("interpolate", "mnist-gan", code, "3", "-n", "3", "-o", str(tmp_path / "way.png")).status == 0
    assert run("interpolate", "mnist-vae", code, "3", "-o", str(tmp_path / "no.png")).status == 2


def test_dry_run_prints_the_settings_and_does_nothing(workplace, run):
    ran = run("train", "denoise-best", "--data", "DATA", "--time", "90m", "--set", "lr=0.5", "--dry-run")
    assert ran.status == 0
    shown = json.loads(ran.out)
    assert (shown["lr"], shown["seconds"], shown["data"]) == (0.5, 5400.0, "DATA")
    assert not (workplace / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["train"], 2, "needs a recipe and --data"),
        (["train", "denoise-fast"], 2, "needs a recipe and --data"),
        (["train", "denoise-fast", "--data", "nowhere"], 1, "nowhere does not exist"),
        (["train", "denoise-slow", "--data", "DATA"], 2, "Did you mean 'denoise-"),
        (["train", "denoise-fast", "--data", "DATA", "--set", "steps=abc"], 2, "steps is a whole number, not 'abc'"),
        (["train", "denoise-fast", "--data", "DATA", "--set", "model.widths=3"], 2, "widths is a list"),
        (["train", "denoise-fast", "--data", "DATA", "--set", "batch=0"], 2, "batch must be more than 0"),
        (["train", "denoise-fast", "--data", "DATA", "--time", "soon"], 2, "write it as 2h"),
        (["train", "denoise-fast", "--data", "DATA", "--from", "nothing.onnx"], 1, "neither a model file"),
        (["train", "denoise-fast", "--resume", "DATA"], 2, "only --time and --set go with it"),
        (["train", "--resume", "DATA"], 1, "is no run directory"),
        (["export", "DATA"], 1, "is no run directory"),
    ],
)
def test_mistakes_are_one_sentence(arguments, status, says, workplace, run):
    ran = run(*arguments)
    assert ran.status == status
    assert says in ran.err
    assert len(ran.err.splitlines()) == 1
    assert not (workplace / "runs").exists()


def test_help_says_how_to_stop_and_go_on(run):
    text = re.sub(r"\s+", " ", run("train", "--help").out)
    for words in ("Ctrl-C saves the state and stops", "--resume RUN", "sfumato export RUN", "accelerate launch"):
        assert words in text


@pytest.mark.parametrize(
    ("absent", "arguments"),
    [
        ("torch", ["train", "denoise-fast", "--data", "x"]),
        ("torch", ["export", "x"]),
        ("torch", ["evaluate", "x", "--data", "x", "--protocol", "gaussian:25"]),
        ("accelerate", ["train", "denoise-fast", "--data", "x"]),
    ],
)
def test_without_the_training_extra_a_sentence_says_what_to_install(absent, arguments):
    """In a process that takes the package for missing."""
    program = (
        f"import sys; sys.modules[{absent!r}] = None\n"
        f"from sfumato.interfaces.cli.main import main; sys.exit(main({arguments!r}))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 2, ran.stderr
    assert 'pip install "sfumato[train]"' in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def two_processes(*arguments):
    """The command under `accelerate launch`, two processes on the CPU, in a process group as a terminal makes one.

    Its own `--cpu --num_processes 2` starts one process only (accelerate 1.15); `--multi_gpu` starts two, of any kind.
    """
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    launcher += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    launcher += ["--main_process_port", str(free_port()), "-m", "sfumato", *arguments]
    environment = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "ACCELERATE_USE_CPU": "true"}
    process = subprocess.Popen(
        launcher, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.doors
@pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl-C can be sent there")
def test_two_processes_stop_and_resume_together_and_give_the_weights_of_one(workplace, finished):
    pair = workplace / "pair"
    command = ["train", "denoise-fast", "--data", "DATA", "--run", "pair", *settings(validate_every=1)]
    with two_processes(*command) as process:
        wait_for_step(pair, 2)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=60)[0]
    assert process.returncode != 0
    assert "2 processes share each batch" in said
    step = state.load(pair)[1].step
    assert step % AGREE_EVERY == 0
    assert 0 < step < STEPS
    assert f"stopped at step {step}; go on with: sfumato train --resume pair" in said

    with two_processes("train", "--resume", "pair") as process:
        said = process.communicate(timeout=120)[0]
    assert process.returncode == 0, said[-3000:]
    assert differences(pair, finished) < 1e-4
    assert (pair / "model.onnx").exists()
    steps = [record["step"] for record in read_log(pair / "log.jsonl") if "lr" in record]
    assert steps == list(range(1, STEPS + 1))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["autoencoder", "latent-flow"])
def test_two_processes_train_a_network_of_several_uses_as_one_does(recipe, workplace):
    """Without what is random in a sample, their average is what one process learns from both halves of the batch."""
    from sfumato.interfaces.cli.main import main

    words = ["train", recipe, "--data", "DATA", "--set", "model.size=[16,16]", "--set", "model.widths=[6,8]"]
    words += ["--set", "steps=4", "--set", "batch=4", "--set", "precision=fp32", "--set", "validate_every=4"]
    words += ["--set", "options.noise=0"] if recipe == "latent-flow" else ["--set", "options.sigma=0"]
    words += ["--set", "options.coding=0.9", "--set", "model.flow_widths=[8]"] if recipe == "latent-flow" else []
    words += ["--set", "options.perceptual=0"] if recipe == "latent-flow" else []
    with two_processes(*words, "--run", f"{recipe}-shared") as process:
        said = process.communicate(timeout=120)[0]
    assert process.returncode == 0, said[-3000:]
    assert main([*words, "--run", f"{recipe}-alone"]) == 0
    assert differences(workplace / f"{recipe}-shared", workplace / f"{recipe}-alone") < 1e-4
