"""A file's network with more blocks: it begins as what the file makes, and only where nothing else differs."""

import json
from types import SimpleNamespace

import pytest
import torch

from sfumato.errors import ModelError
from sfumato.learn.catalog import FAMILIES, create
from sfumato.learn.export import export, read_weights
from sfumato.learn.training.deepening import deepened, deepens
from sfumato.learn.training.transfer import load_weights, taken

SMALL = {"widths": [8, 12], "blocks": [1, 1]}
DEEPER = [
    ("plain-unet", SMALL | {"task": "deblur"}, {"blocks": [2, 3]}),
    ("edsr", {"width": 8, "blocks": 2}, {"blocks": 4}),
]


@pytest.mark.parametrize(("family", "config", "more"), DEEPER)
def test_what_has_more_blocks_begins_as_what_the_file_makes(tmp_path, family, config, more):
    file = tmp_path / "few.onnx"
    few = create(family, config)
    export(few, file, name="few", family=family, half=False)
    deep = create(family, config | more)
    load_weights(deep, family, str(file))
    assert "begin as what changes nothing" in taken(deep, family, str(file))
    y = torch.rand((1, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    given = [y] if len(few.inputs) == 1 else [y, torch.full((1, 1, 16, 16), 0.1)]
    torch.testing.assert_close(deep(*given), few(*given), rtol=0, atol=1e-5)
    deep.train()
    deep(*given).square().mean().backward()
    new = {name: value for name, value in deep.named_parameters() if name not in few.state_dict()}
    assert new
    assert any(value.grad is not None and value.grad.abs().max() > 0 for value in new.values())


@pytest.mark.parametrize("unlike", [{"blocks": [1, 0]}, {"blocks": [2, 0]}, {"widths": [8, 16], "blocks": [2, 2]}, {}])
def test_only_the_same_network_with_more_blocks_is_deeper(tmp_path, unlike):
    card = export(create("plain-unet", SMALL), tmp_path / "few.onnx", name="few", family="plain-unet")
    other = create("plain-unet", SMALL | unlike)
    assert not deepens(card, other)
    if unlike:
        with pytest.raises(ModelError):
            load_weights(other, "plain-unet", str(tmp_path / "few.onnx"))


@pytest.mark.parametrize("family", [name for name in FAMILIES if hasattr(FAMILIES[name].config, "blocks")])
def test_no_family_is_said_to_grow_whose_new_blocks_would_change_something(family):
    config = json.loads(json.dumps(vars(FAMILIES[family].config())))
    more = [n + 1 for n in config["blocks"]] if isinstance(config["blocks"], list) else config["blocks"] + 1
    few, deep = create(family, config), create(family, config | {"blocks": more})
    card = SimpleNamespace(family=family, config=config)
    if deepens(card, deep):
        weights = few.state_dict()
        new = deepened(deep, weights)
        assert {name: value for name, value in new.items() if name in weights}.keys() == weights.keys()
        blocks = {name.rpartition(".second.")[0] for name in new.keys() - weights.keys() if ".second." in name}
        assert blocks
        assert all(not new[name].any() for name in new if name.rpartition(".second.")[0] in blocks)
    else:
        assert family not in {"plain-unet", "edsr", "recurrent-unet"}


def test_weights_of_the_file_are_all_taken(tmp_path):
    few = create("plain-unet", SMALL)
    export(few, tmp_path / "few.onnx", name="few", family="plain-unet", half=False)
    deep = create("plain-unet", SMALL | {"blocks": [2, 2]})
    load_weights(deep, "plain-unet", str(tmp_path / "few.onnx"))
    _, weights = read_weights(tmp_path / "few.onnx")
    for name in few.state_dict():
        torch.testing.assert_close(deep.state_dict()[name], weights[name])
