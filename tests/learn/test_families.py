"""What every family of networks must hold, over the whole catalogue."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from sfumato.errors import UsageError
from sfumato.learn.catalog import FAMILIES, create
from sfumato.learn.export import export, read_weights, rebuild, rounded, sample_inputs
from sfumato.learn.graph import simplify
from sfumato.models import zoo
from sfumato.models.card import MAPS
from sfumato.models.engine import Engine

# A family whose ports or parts follow from its settings is tried with each, some together: tracing takes seconds.
FORMS = {
    "plain-unet clean without skips": {"task": "clean", "skips": False},
    "segmenter pretrained": {"widths": (8, 12, 16), "blocks": (2, 1, 1), "pretrained": True},
    "colour-net pretrained": {"pretrained": True},
    "edsr 4x": {"scale": 4},
    "recursive-net clean with weights of their own": {"task": "clean", "shared": False},
    "plain-unet channel attention": {"attention": "channel"},
    "plain-unet dejpeg with spatial attention": {"task": "dejpeg", "attention": "spatial"},
    "noise-net jpeg-quality": {"task": "jpeg-quality"},
    "answerer without relations": {"hops": 0},
    "flow by all": {"audio": (4, 6), "text": (3, 6), "silhouette": 1},
    "latent-flow by text": {"classes": (), "text": (3, 6), "silhouette": 1},
}
names = pytest.mark.parametrize("name", [*FAMILIES, *FORMS])
ROOT = Path(__file__).parents[2]
SHIPPED = sorted([*map(zoo.path, zoo.SHIPPED), *(ROOT / "benchmarks" / "models").glob("*.onnx")])


def tiny(name: str, seed: int = 0):
    torch.manual_seed(seed)
    return create(family(name), FAMILIES[family(name)].tiny | FORMS.get(name, {})).eval()


def family(name: str) -> str:
    return name.partition(" ")[0]


def outputs(network, inputs):
    """What the network gives, by port; one that has several uses gives all of them."""
    found = network(*inputs.values())
    found = found if isinstance(found, tuple) else (found,)
    return dict(zip([port.name for port in network.outputs], found, strict=True))


def whole(network, inputs):
    """The sum of the squares of all that it gives."""
    return sum(value.square().mean() for value in outputs(network, inputs).values())


@names
def test_outputs_have_the_shapes_that_their_ports_say(name):
    network = tiny(name)
    for rows, columns in ((1, 1), (3, 5)):
        height, width = network.size if network.fixed_size else (rows * network.stride, columns * network.stride)
        found = outputs(network, sample_inputs(network, height, width))
        for port in network.outputs:
            shape = (2, port.channels, height * network.scale, width * network.scale)
            assert found[port.name].shape == (shape if port.kind in MAPS else shape[:2])


@names
def test_every_entry_is_a_method_that_gives_what_forward_gives(name):
    network = tiny(name)
    inputs = sample_inputs(network, 2 * network.stride, 3 * network.stride)
    together = outputs(network, inputs)
    for entry, uses in network.entries.items():
        alone = getattr(network, entry)(*(inputs[port] for port in uses.inputs))
        alone = alone if isinstance(alone, tuple) else (alone,)
        for port, value in zip(uses.outputs, alone, strict=True):
            torch.testing.assert_close(value, together[port], rtol=0, atol=1e-5)


@names
def test_gradient_reaches_every_parameter(name):
    network = tiny(name).train()
    whole(network, sample_inputs(network, 6 * network.stride, 6 * network.stride)).backward()
    learning = [(n, p) for n, p in network.named_parameters() if p.requires_grad]
    silent = [n for n, p in learning if p.grad is None or not p.grad.abs().sum() > 0]
    assert not silent


@names
def test_half_precision_gives_the_same_and_teaches_every_parameter_the_same(name):
    """Under autocast to bfloat16, as a run is where that is quick: results and gradients stay near those of float32."""
    found = {}
    for half in (False, True):
        network = tiny(name).train()
        inputs = sample_inputs(network, 4 * network.stride, 4 * network.stride)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            given = outputs(network, inputs)
        sum(value.float().square().mean() for value in given.values()).backward()
        gradients = {n: p.grad for n, p in network.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
        found[half] = given, gradients
    (given, gradients), (rounded, others) = found[False], found[True]
    for port, value in given.items():
        error = (rounded[port].float() - value).norm() / value.norm()
        assert error < 0.03, port
    assert gradients.keys() == others.keys()
    assert {value.dtype for value in others.values()} == {torch.float32}
    one, other = (torch.cat([found[n].flatten() for n in gradients]) for found in (gradients, others))
    assert torch.cosine_similarity(one, other, dim=0) > 0.99


@names
def test_pictures_of_a_batch_do_not_touch_each_other(name):
    network = tiny(name)
    inputs = sample_inputs(network, 4 * network.stride, 4 * network.stride)
    together = outputs(network, inputs)
    for i in range(2):
        alone = outputs(network, {key: value[i : i + 1] for key, value in inputs.items()})
        for port, value in alone.items():
            torch.testing.assert_close(together[port][i : i + 1], value, rtol=0, atol=1e-5)


@pytest.mark.parametrize("attention", [True, False])
def test_an_inpainter_gives_back_what_is_known_and_sees_nothing_masked(attention):
    torch.manual_seed(0)
    network = create("gated-unet", FAMILIES["gated-unet"].tiny | {"attention": attention}).eval()
    y, mask = torch.rand(1, 3, 48, 32), (torch.rand(1, 1, 48, 32) < 0.3).float()
    x_hat = network(y, mask)
    torch.testing.assert_close(x_hat * (1 - mask), y * (1 - mask), rtol=0, atol=1e-6)
    torch.testing.assert_close(network(y * (1 - mask) + 7 * mask, mask), x_hat, rtol=0, atol=1e-6)


@names
def test_same_seed_same_network(name):
    first, second = tiny(name, seed=3), tiny(name, seed=3)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


@names
def test_nothing_beyond_the_halo_is_seen_and_the_halo_is_not_wasteful(name):
    """A pixel changed just outside the halo leaves the output as it is; of those inside, some far one shows."""
    network = tiny(name)
    if network.halo is None:
        pytest.skip("a global operation: exempt from tiling")
    side = 2 * network.halo + 4 * network.stride
    inputs = {k: v.double() for k, v in sample_inputs(network, side, side, batch=1).items()}
    network = network.double()
    block = slice(network.halo, network.halo + network.stride)  # one aligned block, where the input has it
    grown = {key: value.clone().requires_grad_(True) for key, value in inputs.items()}
    given = slice(block.start * network.scale, block.stop * network.scale)
    picture = next(value for value in outputs(network, grown).values() if value.ndim == 4)
    picture[:, :, given, given].square().sum().backward()
    seen = sum(v.grad.abs().sum((0, 1)) for v in grown.values() if v.ndim == 4 and v.grad is not None)
    reach = block.stop + network.halo
    assert seen[reach:].sum() == 0
    assert seen[:, reach:].sum() == 0
    furthest = int(seen.sum(1).nonzero().max())
    moving = any(port.kind == "state" for port in network.inputs)  # looks where the motion that it finds points to
    assert furthest >= block.stop + network.halo - (5 if moving else 3) * network.stride


@names
def test_unknown_setting_is_refused_with_the_near_one(name):
    key = next(iter(FAMILIES[family(name)].tiny))
    with pytest.raises(UsageError, match=f"Did you mean '{key}'"):
        create(family(name), {key + "s": 3})


@names
def test_model_file_equals_the_module_and_gives_it_back(name, tmp_path, monkeypatch):
    """And is traced in the first of the exporter's ways; len(x) for x.shape[0] would need the second, as long again."""
    from torch.onnx._internal.exporter import _capture_strategies

    monkeypatch.setattr(_capture_strategies, "CAPTURE_STRATEGIES", _capture_strategies.CAPTURE_STRATEGIES[:1])
    assert_module_comes_back(name, tmp_path / "model.onnx", half=True)


# Half of the cost is the exporter's, and how many bits weights have is decided after it, for all families alike.
@pytest.mark.parametrize("name", ["plain-unet", "autoencoder"])
def test_weights_of_32_bits_come_back_to_the_bit(name, tmp_path):
    assert_module_comes_back(name, tmp_path / "model.onnx", half=False)


def assert_module_comes_back(name, file, *, half):
    network = tiny(name)
    card = export(network, file, name="tiny", family=family(name), half=half)
    if half:
        rounded(network)
    weights = dict(rebuild(file).named_parameters())
    for key, value in network.named_parameters():
        torch.testing.assert_close(weights[key], value, rtol=0, atol=0)
    assert read_weights(file)[0] == card
    assert_file_equals_module(Engine(file, threads=1), network, ((2, 3, 1), (5, 4, 3)))


def assert_file_equals_module(engine, network, sizes):
    """Every use of the file, at so many strides of height and width, for so many pictures."""
    # Velocities are up to twenty times as large as the pictures that they lead to, and a state of white noise, taken
    # between its pixels, changes much with the last digit of the place.
    moving = any(port.kind == "state" for port in network.inputs)
    atol = 1e-3 if "velocity" in network.entries or moving else 1e-4
    for height, width, batch in sizes:
        inputs = sample_inputs(network, height * network.stride, width * network.stride, batch=batch)
        with torch.no_grad():
            want = outputs(network, inputs)
        for entry, uses in (network.entries or {"": None}).items():
            needed = uses.inputs if uses else tuple(inputs)
            for port, found in engine.run({key: inputs[key].numpy() for key in needed}, entry).items():
                np.testing.assert_allclose(found, want[port].numpy(), atol=atol)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_file_equals_the_module_rebuilt_from_it(path):
    network = rounded(rebuild(path)).eval()
    assert_file_equals_module(Engine(path, threads=1), network, ((6, 9, 2),))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_of_a_shipped_file_nothing_is_left_to_simplify(path):
    model = onnx.load(path)
    before = [node.SerializeToString() for node in model.graph.node]
    simplify(model)
    assert [node.SerializeToString() for node in model.graph.node] == before
    assert all(node.op_type != "DepthToSpace" for node in model.graph.node)


def test_unknown_family_is_refused_with_the_near_one():
    with pytest.raises(UsageError, match="Did you mean 'plain-unet'"):
        create("plain-unett")


def test_a_gan_of_codes_may_take_patches_of_them() -> None:
    config = {"size": (32, 48), "widths": (6, 8), "fine": 4, "gan_widths": (6, 8)}
    network = create("latent-gan", config | {"gan_patch": 2})
    assert network.sample(torch.rand(3, network.config.latent)).shape == (3, 3, 32, 48)
    with pytest.raises(UsageError, match="codes of latent-gan: a size of 8x12 does not halve 1 times after"):
        create("latent-gan", config | {"gan_patch": 3})
