"""A sound model file runs as its card says; anything else ends in a ModelError that names the file."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import known_generators
import model_files
import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from sfumato import load
from sfumato.errors import ModelError, UsageError
from sfumato.models import model_file, zoo
from sfumato.models.card import MAPS, Input, Output
from sfumato.models.engine import DEVICES, Engine, physical_cores

SOUND = model_files.unshuffled()


def feed(engine: Engine, height: int = 16, width: int = 24, batch: int = 1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {p.name: random.random((batch, p.channels, height, width), np.float32) for p in engine.card.inputs}


@pytest.mark.parametrize("name", model_files.TILED)
def test_outputs_are_as_the_card_states(name: str) -> None:
    engine = Engine(model_files.TILED[name]())
    scale = engine.card.scale
    result = engine(**feed(engine, batch=2))
    assert result.shape == (2, 3, 16 * scale, 24 * scale)
    assert result.dtype == np.float32


@pytest.mark.parametrize("name", model_files.TILED)
def test_pictures_of_a_batch_do_not_see_each_other(name: str) -> None:
    engine = Engine(model_files.TILED[name]())
    both = feed(engine, batch=2)
    alone = engine.run({key: value[1:] for key, value in both.items()})["x_hat"]
    assert np.allclose(engine.run(both)["x_hat"][1:], alone, atol=1e-5)


def test_threads_do_not_change_the_result() -> None:
    one, two = Engine(SOUND, threads=1), Engine(SOUND, threads=2)
    assert np.allclose(one(**feed(one)), two(**feed(two)), atol=1e-5)


# In a process of its own, where nothing else takes memory or gives it back. What a call takes follows from the card:
# here some 32 MB, and for the model whose memory grows with the square of a picture's size a picture that it shows in.
RELEASING = """
import hashlib, json, math
from pathlib import Path
import numpy as np
from sfumato import load
from sfumato.models import zoo
from sfumato.models.card import MAPS

def resident():
    return 1024 * int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0])

def given(port, batch, size):
    shape = (batch, port.channels, *size) if port.kind in MAPS else (batch, port.channels)
    return np.random.default_rng(0).random(shape, np.float32)

def run(engine, inputs):
    return {port: hashlib.sha256(value).hexdigest() for port, value in engine.run(inputs).items()}

engines = {name: load(name, threads=1, device="cpu") for name in zoo.SHIPPED}
for name, engine in engines.items():
    card = engine.card
    pixels = 32e6 / card.bytes_per_pixel
    side = max(int(pixels**0.5) // card.stride * card.stride, 320 if card.role == "inpainter" else 0)
    size = tuple(card.size) or (side, side)
    batch = max(int(pixels / math.prod(size)), 1)
    inputs = {port.name: given(port, batch, size) for port in card.inputs}
    engine.release()
    before = resident()
    result = run(engine, inputs)
    held = resident()
    engine.release()
    after = resident()
    same = run(engine, inputs) == result
    engine.release()
    print(json.dumps([name, before, held, after, same]))

before = resident()
pieces = [np.ones(8_000) for _ in range(500)]
del pieces[:-1]  # the last one lies above the others, so that glibc keeps what they leave
held = resident()
engine.release()
print(json.dumps(["other work", before, held, resident(), True]))
"""


@pytest.fixture(scope="module")
def released() -> dict[str, tuple[int, int, int, bool]]:
    """Of each shipped model, and of what is done beside them: bytes that the process holds before a call, after it and
    when they are given back, and whether the next call gives what that one gave."""
    done = subprocess.run([sys.executable, "-c", RELEASING], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return {name: tuple(facts) for name, *facts in map(json.loads, done.stdout.splitlines())}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells what a process holds")
@pytest.mark.parametrize("name", [*zoo.SHIPPED, "other work"])
def test_every_shipped_model_gives_its_memory_back(name: str, released: dict[str, tuple[int, int, int, bool]]) -> None:
    before, held, after, same = released[name]
    assert held - before > 15e6, "or there is nothing to be seen here"
    assert after - before < (held - before) / 4
    assert same


def test_other_float_types_and_memory_orders_are_taken() -> None:
    engine = Engine(SOUND)
    inputs = feed(engine)
    turned = {name: np.asfortranarray(value.astype(np.float64)) for name, value in inputs.items()}
    assert np.allclose(engine(**inputs), engine(**turned), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda inputs: inputs.pop("sigma"), "takes the inputs y, sigma"),
        (lambda inputs: inputs.update(sgima=inputs.pop("sigma")), "not y, sgima"),
        (lambda inputs: inputs.update(y=inputs["y"][:, :, :15]), "multiples of 2"),
        (lambda inputs: inputs.update(y=inputs["y"][:, :1]), "shape"),
        (lambda inputs: inputs.update(y=inputs["y"][0]), "shape"),
        (lambda inputs: inputs.update(y=inputs["y"][:, :, :0]), "multiples of 2"),
        (lambda inputs: inputs.update(sigma=inputs["sigma"][:, :, :8]), "failed on this picture"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(change: Callable[[dict[str, np.ndarray]], object], hint: str) -> None:
    engine = Engine(SOUND)
    inputs = feed(engine)
    change(inputs)
    with pytest.raises(ModelError, match=hint):
        engine.run(inputs)


@pytest.mark.parametrize("name", known_generators.DRAWING)
def test_every_entry_takes_and_gives_what_the_card_says(name: str) -> None:
    """What an entry does not need is fed with a batch of none, which costs nothing and gives the same numbers."""
    engine = Engine(known_generators.DRAWING[name](), threads=1)
    card = engine.card
    random = np.random.default_rng(0)

    def shape(port: Input | Output, batch: int) -> tuple[int, ...]:
        return (batch, port.channels, *known_generators.SIZE) if port.kind in MAPS else (batch, port.channels)

    everything = {port.name: random.random(shape(port, 3), np.float32) for port in card.inputs}
    together = engine.run(everything)
    for entry, uses in card.entries.items():
        for batch in (1, 3):
            found = engine.run({port: everything[port][:batch] for port in uses.inputs}, entry)
            assert list(found) == list(uses.outputs)
            for port in (port for port in card.outputs if port.name in found):
                assert found[port.name].shape == shape(port, batch)
                assert np.allclose(found[port.name], together[port.name][:batch], atol=1e-6)


def test_entries_and_ports_that_are_not_there_are_named() -> None:
    engine = Engine(known_generators.vae(), threads=1)
    z = np.zeros((2, known_generators.LATENT), np.float32)
    label = np.zeros((2, 3), np.float32)
    with pytest.raises(ModelError, match="no entry 'sample'; it has encode, decode"):
        engine.run({"z_in": z}, "sample")
    with pytest.raises(ModelError, match="takes the inputs z_in, label, not z_in"):
        engine.run({"z_in": z}, "decode")
    for wrong in (z[:, :4], z[:, :, None, None]):
        with pytest.raises(ModelError, match=r"z_in has the shape .* not \(b, channels\)"):
            engine.run({"z_in": wrong, "label": label}, "decode")
    with pytest.raises(ModelError, match="no entry 'decode'"):
        Engine(SOUND).run({}, "decode")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 8 * len(SOUND) - 1))
@example(8 * len(SOUND) - 1)
def test_any_flipped_bit_is_noticed(bit: int) -> None:
    damaged = bytearray(SOUND)
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ModelError, match="attic"):
        model_file.read(bytes(damaged), where="attic.onnx")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(SOUND) - 1))
@example(0)
@example(len(SOUND) - 1)
def test_any_truncation_is_noticed(length: int) -> None:
    with pytest.raises(ModelError, match="attic"):
        model_file.read(SOUND[:length], where="attic.onnx")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="attic"):
        model_file.read(data, where="attic.onnx")


@settings(max_examples=60, deadline=None, derandomize=True)  # a size that a bit made huge may ask for all memory
@given(st.integers(0, 8 * len(SOUND) - 1))
def test_a_damaged_graph_under_a_fitting_digest_never_crashes(bit: int) -> None:
    """Whoever seals nonsense gets a sentence or a result, no more."""
    damaged = bytearray(SOUND)
    damaged[bit // 8] ^= 1 << bit % 8
    try:
        card = model_file.read(SOUND, where="sound").card
        engine = Engine(model_file.seal(bytes(damaged), card), threads=1)
        engine.run(feed(engine))
    except ModelError:
        pass


def with_node(node: onnx.NodeProto, **domains: int) -> bytes:
    """An otherwise sound model whose only node is `node`, unsealed."""
    info = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3, "height", "width"])
        for name in ("y", "x_hat")
    ]
    opsets = [helper.make_opsetid(domain.replace("_", "."), version) for domain, version in domains.items()]
    graph = helper.make_graph([node], "graph", info[:1], info[1:])
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18), *opsets], ir_version=10
    ).SerializeToString()


def sealed_unchecked(model: bytes) -> bytes:
    """A fitting card and digest around any bytes: what a careless exporter could write."""
    body = model + model_file._metadata_field(model_file.CARD_KEY, model_files.make_card("careless").to_json())
    return body + model_file._metadata_field(model_file.DIGEST_KEY, hashlib.sha256(body).hexdigest())


def external_weights() -> bytes:
    weight = numpy_helper.from_array(np.ones((3, 3, 1, 1), np.float32), "weight")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return with_node(helper.make_node("Constant", [], ["x_hat"], value=weight))


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        (with_node(helper.make_node("Gelu2", ["y"], ["x_hat"])), "cannot be loaded"),
        (
            with_node(helper.make_node("Gelu", ["y"], ["x_hat"], domain="com.microsoft"), com_microsoft=1),
            "com.microsoft",
        ),
        (external_weights(), "another file"),
        (with_node(helper.make_node("Identity", ["y"], ["x_hat"])).replace(b"y", b"z"), "inputs"),
    ],
)
def test_what_could_not_run_elsewhere_is_refused(model: bytes, hint: str, tmp_path: Path) -> None:
    path = tmp_path / "attic.onnx"
    path.write_bytes(sealed_unchecked(model))
    with pytest.raises(ModelError, match=hint) as caught:
        Engine(path)
    assert "attic.onnx" in str(caught.value)


def test_foreign_models_and_other_files_are_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.onnx"
    foreign.write_bytes(with_node(helper.make_node("Identity", ["y"], ["x_hat"])))
    for path in (foreign, Path(__file__), tmp_path):
        with pytest.raises(ModelError) as caught:
            load(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("facts", "hint"),
    [
        ({"inputs": (model_files.Input("picture"),)}, "lists the inputs picture"),
        ({"outputs": (model_files.Output("x_hat", channels=1),)}, "has 3 channels, its card says 1"),
    ],
)
def test_a_card_that_the_graph_contradicts_is_not_sealed(facts: dict[str, object], hint: str) -> None:
    with pytest.raises(ModelError, match=hint):
        model_file.seal(SOUND, model_files.make_card("other", **{"sigma": True} | facts))


def test_fixed_sizes_and_old_opsets_are_not_sealed() -> None:
    fixed = onnx.load_from_string(SOUND)
    fixed.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 64
    card = model_file.read(SOUND, where="sound").card
    with pytest.raises(ModelError, match="fixed size"):
        model_file.seal(fixed.SerializeToString(), card)
    with pytest.raises(ModelError, match="opset 17"):
        model_files.build(lambda graph: graph.node("Identity", "y"), model_files.make_card("old"), opset=17)


def test_sealing_again_replaces_the_card() -> None:
    card = model_files.make_card("renamed", sigma=True, stride=2, halo=9)
    again = model_file.seal(model_file.seal(SOUND, card), card)
    assert model_file.read(again, where="again").card == card
    assert again.count(b"renamed") == 1
    assert [entry.key for entry in onnx.load_from_string(again).metadata_props].count(model_file.CARD_KEY) == 1
    assert np.allclose(Engine(again)(**feed(Engine(again))), Engine(SOUND)(**feed(Engine(SOUND))))


def test_names_are_explained() -> None:
    with pytest.raises(ModelError, match="'denoise-fast' meant"):
        load("denoise-fsat")
    with pytest.raises(ModelError, match=r"no-such\.onnx"):
        load("no-such.onnx")
    with pytest.raises(ModelError, match="shipped"):
        zoo.path("no-such")


def test_devices_are_chosen_among_the_installed() -> None:
    assert Engine(SOUND, device="cpu").device == "cpu"
    assert Engine(SOUND).device in DEVICES
    with pytest.raises(UsageError, match=r"installed are auto, .*cpu"):
        Engine(SOUND, device="abacus")
    missing = [name for name in DEVICES if DEVICES[name][0] not in onnxruntime.get_available_providers()]
    assert missing
    for name in missing:
        with pytest.raises(UsageError, match=f"pip install {DEVICES[name][1]}"):
            Engine(SOUND, device=name)


def test_threads_are_the_physical_cores_unless_told() -> None:
    assert physical_cores() >= (1 if sys.platform.startswith("linux") else 0)
    with pytest.raises(UsageError, match="threads"):
        Engine(SOUND, threads=0)
