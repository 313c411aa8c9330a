"""The recipes of the text's three listings hold the layers that the listings name."""

import pytest
import torch
from torch import nn

from sfumato.errors import UsageError
from sfumato.learn.catalog import create
from sfumato.learn.layers.density import MixtureDensity
from sfumato.learn.networks.gan_classic import GanClassicDiscriminator
from sfumato.learn.training.optimization import optimizer
from sfumato.learn.training.recipes import RECIPES


def listed(name):
    config = RECIPES[name]()
    return config, create(config.family, config.model)


def layers(network, kind):
    return [module for module in network.modules() if isinstance(module, kind)]


def test_the_gan_has_the_listed_layers_and_the_doublings_between_them():
    config, generator = listed("listing-gan")
    assert [(conv.in_channels, conv.out_channels) for conv in layers(generator, nn.Conv2d)] == [
        (64, 64),
        (64, 64),
        (64, 1),
    ]
    assert len(layers(generator, nn.BatchNorm2d)) == 3
    assert len(layers(generator, nn.Upsample)) == 2
    assert [dense.in_features for dense in layers(generator, nn.Linear)] == [100]
    (judge,) = layers(GanClassicDiscriminator(generator.config), nn.Linear)
    assert sum(value.numel() for value in judge.parameters()) == 28 * 28 + 1
    stepper = optimizer(config, judge, torch.float32)
    assert isinstance(stepper, torch.optim.RMSprop)
    assert (stepper.defaults["lr"], stepper.defaults["alpha"]) == (2e-4, 0.5)


def test_the_dense_discriminator_knows_classes_and_learns():
    config = {"size": (8, 12), "channels": 3, "widths": (6, 8), "classes": ("a", "b"), "discriminator": "dense"}
    judge = GanClassicDiscriminator(create("gan-classic", config).config)
    found = judge(torch.rand(5, 3, 8, 12), torch.eye(2)[[0, 1, 0, 1, 0]])
    assert found.shape == (5,)
    found.sum().backward()
    assert all(value.grad is not None for value in judge.parameters())


def test_the_vae_has_the_listed_layers():
    _, network = listed("listing-vae")
    assert [dense.out_features for dense in layers(network.encoder, nn.Linear)] == [128, 64, 32, 4]
    assert [dense.out_features for dense in layers(network.decoder, nn.Linear)] == [32, 64, 128, 784]
    assert network.log_deviation is None


def test_the_autoencoder_has_the_listed_layers():
    _, network = listed("listing-autoencoder")
    assert [conv.out_channels for conv in layers(network.encoder, nn.Conv2d)] == [32, 64, 128]
    assert [conv.stride[0] for conv in layers(network.encoder, nn.Conv2d)] == [1, 2, 2]
    assert [dense.in_features for dense in layers(network.decoder, nn.Linear)] == [128]
    assert len(layers(network.encoder, nn.BatchNorm2d)) == 3


@pytest.mark.parametrize("setting", ["up", "discriminator"])
def test_forms_that_there_are_not_are_one_sentence(setting):
    with pytest.raises(UsageError, match=f"gan-classic: {setting} is one of"):
        create("gan-classic", {setting: "dance"})


def test_a_density_of_one_gaussian_draws_from_it():
    density = MixtureDensity(3, 1, 0)
    density.means += 5.0
    density.factors *= 2.0
    z0 = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(density(z0), 5 + 2 * z0[:, 1:])
