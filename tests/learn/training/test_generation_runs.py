"""Every recipe that draws or judges pictures: a few steps on a small folder, stopped and gone on with, and its file."""

import dataclasses
import shutil

import numpy as np
import pytest
import pyvips
import torch
from safetensors.torch import load_file
from training_files import DEGRADED, PAIRED, assert_goes_on_to_the_bit, assert_precisions_agree, precisions

from sfumato.errors import ModelError, TrainingError, UsageError
from sfumato.generation.generate import generate
from sfumato.learn.catalog import FAMILIES, create
from sfumato.learn.data.augmentation import AUGMENTATIONS, augment
from sfumato.learn.data.fitted import picture
from sfumato.learn.export import export, rebuild
from sfumato.learn.losses.adversarial import GAMES
from sfumato.learn.training import launch, objectives, report
from sfumato.learn.training.muon import Muon, orthogonal
from sfumato.learn.training.objectives import generation
from sfumato.learn.training.objectives.adversarial import PENALTIES
from sfumato.learn.training.objectives.objective import Validation
from sfumato.learn.training.optimization import layout, optimizer, schedule
from sfumato.learn.training.recipes import RECIPES
from sfumato.learn.training.stores import stores
from sfumato.learn.training.trainer import train
from sfumato.learn.training.transfer import load_weights, taken
from sfumato.models import zoo
from sfumato.models.engine import Engine

STEPS = 4
DRAWN = [name for name, recipe in RECIPES.items() if recipe().objective not in (*DEGRADED, *PAIRED)]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """Discs and squares in folders of their names, transparent outside, of mixed sizes."""
    folder = tmp_path_factory.mktemp("shapes")
    draw = np.random.default_rng(0)
    for kind in ("disc", "square"):
        (folder / kind).mkdir()
        for number in range(12):
            side = int(draw.integers(12, 30))
            rows, columns = np.mgrid[0:side, 0:side] - side / 2
            inside = np.hypot(rows, columns) < side / 3 if kind == "disc" else np.maximum(rows, columns) < side / 4
            pixels = np.zeros((side, side, 4), np.uint8)
            pixels[inside] = [*draw.integers(0, 255, 3), 255]
            pyvips.Image.new_from_array(pixels).write_to_file(str(folder / kind / f"{number}.png"))
    return folder


@pytest.fixture(autouse=True)
def plain_features(monkeypatch):
    """Features that need no network: the pictures themselves, reduced. What is tested is the loop."""

    class Reduced:
        name = "means of 4x4 cells"

        def __call__(self, pictures):
            x = torch.as_tensor(np.asarray(pictures)).float()
            return torch.nn.functional.adaptive_avg_pool2d(x, 4).flatten(1).numpy()

    monkeypatch.setattr(generation, "lite0", Reduced)


def configured(name, shapes, *more):
    narrow = {"widths": "[6,8]"} if "widths" in RECIPES[name]().model else {"hidden": "[12,8]"}
    settings = {"model.size": "[8,12]", "model.channels": "4"} | {f"model.{k}": v for k, v in narrow.items()}
    if name == "flow":
        settings |= {"model.attention": "[1]"}
    if name == "latent-flow":
        settings |= {"model.flow_widths": "[8]", "model.fine": "4"}
    if name == "latent-gan":
        settings |= {"model.gan_widths": "[8]", "model.fine": "4"}
    settings |= {"steps": str(STEPS), "batch": "4", "label": "folder", "num_drawn": "10"}
    settings |= {"threads": "1", "validate_every": "2", "save_every": "1", "log_every": "1"}
    pairs = [f"{key}={value}" for key, value in settings.items()]
    return launch.configure(name, data=str(shapes), settings=[*pairs, *more])


# Those of the listings end in files, and draw, in the test of the page that gives their commands.
@pytest.mark.parametrize("name", [name for name in DRAWN if not name.startswith("listing")])
def test_a_run_ends_in_a_file_that_draws_and_a_report(name, shapes, tmp_path):
    config = configured(name, shapes)
    # With the settings of the family's own tests, whose graph is traced once for both.
    tiny = FAMILIES[config.family].tiny | {"classes": config.model["classes"]}
    shares = {key: config.model[key] for key in ("shares",) if key in config.model}
    outcome = launch.start(dataclasses.replace(config, model=tiny | shares), tmp_path / "run")
    assert outcome.step == STEPS
    if name != "classifier":
        assert len(generate(outcome.model, 3, label="square").pictures) == 3
        sampling = Engine(outcome.model).card.sampling
        assert not sampling or sampling["class"] == [0.5, 0.5], "as often as the pictures have them"
    assert "held out" in (tmp_path / "run" / "report.md").read_text()


@precisions
@pytest.mark.parametrize("name", DRAWN)
def test_a_run_that_was_cut_off_goes_on_to_the_bit(name, precision, shapes, tmp_path):
    assert_goes_on_to_the_bit(configured(name, shapes, f"precision={precision}"), tmp_path)


@pytest.mark.parametrize("fraction", [0.0, 0.9])
@pytest.mark.parametrize("name", DRAWN)
def test_what_draws_learns_in_half_precision_what_it_learns_in_full(name, fraction, shapes):
    assert_precisions_agree(configured(name, shapes), fraction=fraction)


# What the options of an objective put in the place of, or beside, what its recipe has.
WAYS = {
    **{
        f"gan {game} {penalty}": ("gan", f"loss={game}", f"penalty={penalty}")
        for game in GAMES
        for penalty in PENALTIES
    },
    **{f"gan {name}": ("gan", f'augment=["{name}"]', "p=0.9") for name in AUGMENTATIONS},
    "vae black and white": ("vae-classic", "binarize=true"),
    "autoencoder masked": ("autoencoder", "masked=0.5", "sigma=0.1"),
    "classifier frozen": ("classifier", "frozen=0.5"),
    "classifier of few": ("classifier", "few=6", 'augment=["colour","cutout"]'),
    "latent-gan without features": ("latent-gan", "perceptual=0", 'augment=["cutout"]', "p=0.9"),
    "flow without labels": ("flow", "unlabelled=0.9"),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_draw_is_learned_the_same_in_half_precision(way, shapes):
    name, *options = WAYS[way]
    assert_precisions_agree(configured(name, shapes, *(f"options.{option}" for option in options)))


@pytest.mark.parametrize(("name", "coding"), [("latent-flow", 0.9), ("latent-gan", 0.9)])
def test_features_that_teach_an_autoencoder_do_so_in_half_precision(name, coding, shapes):
    config = configured(name, shapes, "model.size=[16,24]", f"options.coding={coding}")
    assert objectives.objective_for(config).stages is not None
    assert_precisions_agree(config)


def test_so_few_pictures_that_copies_are_to_be_expected_are_an_alarm_at_once(shapes, tmp_path):
    progress = train(configured("gan", shapes), tmp_path / "few")
    assert progress.events[0].startswith("step 0: ALARM, memorization is to be expected: 19 pictures to train on")
    config = configured("gan", shapes)
    objective = objectives.objective_for(config)
    store, held_out = stores(config, objective, ())
    objective.begin(store.take([*range(len(store))] * 3), held_out, "cpu")
    assert not objective.concern


def test_labels_that_tell_nothing_apart_are_refused(shapes, tmp_path):
    shutil.copytree(shapes / "disc", tmp_path / "disc")
    with pytest.raises(UsageError, match="one class only"):
        configured("gan", tmp_path)
    with pytest.raises(TrainingError, match="lies in no folder that names it"):
        configured("gan", shapes / "disc")


def test_what_is_measured_has_the_classes_as_often_as_the_pictures_held_out(shapes):
    config = configured("gan", shapes)
    objective = objectives.objective_for(config)
    store, held_out = stores(config, objective, ())
    objective.begin(store, held_out, "cpu")
    asked = []

    class Spy(torch.nn.Linear):
        def sample(self, z, label):
            asked.append(label)
            return torch.zeros(len(z), 4, 8, 12)

    objective.judged_by_samples(Spy(1, 1))
    sheet, measured = torch.cat(asked).split([60, len(held_out)])
    assert torch.equal(sheet, torch.eye(2)[torch.arange(len(sheet)) % 2]), "the classes in turn, to be looked at"
    assert measured.argmax(1).tolist() == [int(name.startswith("square")) for name in held_out.names]


@pytest.mark.parametrize(("name", "part"), [("latent-flow", ("flow.",)), ("latent-gan", ("body.", "label."))])
def test_an_autoencoder_learns_before_what_draws_in_its_codes(name, part, shapes):
    objective = objectives.objective_for(configured(name, shapes))
    network = objective.networks["generator"].train()
    batch = {"x": torch.rand(2, 4, 8, 12), "label": torch.eye(2)}
    for fraction, draws in ((0.0, False), (0.39, False), (0.4, True), (0.9, True)):
        network.zero_grad(set_to_none=True)
        objective.fraction = fraction
        sum(objective.losses("generator", objective.networks, batch).values()).backward()
        for key, parameter in network.named_parameters():
            assert (parameter.grad is not None) == (key.startswith(part) == draws), key
        if name == "latent-gan":
            assert bool(objective.losses("discriminator", objective.networks, batch)) == draws
    assert not objectives.objective_for(configured(name, shapes, "options.coding=0")).coding
    with pytest.raises(UsageError, match="coding is from 0"):
        objectives.objective_for(configured(name, shapes, "options.coding=1"))
    rates, usual = [], objective.options.coding_rate
    for fraction in (0.0, 0.1, 0.39, 0.4, 0.5, 0.999):
        objective.fraction = fraction
        rates.append(objective.rate("generator") * schedule(fraction, objective.config.warmup))
    assert rates[0] < 0.1 * usual < 0.8 * usual < rates[1] > rates[2] < 0.1 * usual, "the schedule of the autoencoder"
    assert rates[3] < 0.1 < 0.8 < rates[4] > rates[5] < 0.1, "the schedule of what draws"


@pytest.mark.parametrize("name", ["flow", "latent-flow"])
def test_the_best_flow_is_that_of_the_least_error_or_of_the_least_kid(name, shapes, monkeypatch):
    judged = Validation({"kid": 7.0}, -7.0, torch.empty(0), "an alarm")
    undrawn = Validation({}, 1.0, torch.empty(0))
    for best in ("error", "kid"):
        objective = objectives.objective_for(configured(name, shapes, f"options.best={best}"))
        objective.fraction = 1.0
        _, held_out = stores(objective.config, objective)
        objective.device = torch.device("cpu")
        monkeypatch.setattr(objective, "judged_by_samples", lambda *_, **__: judged)
        found = objective.validate(next(iter(objective.networks.values())), held_out)
        assert found.score == -found.figures["kid" if best == "kid" else "velocity_error"]
        assert found.alarm == "an alarm"
        monkeypatch.setattr(objective, "judged_by_samples", lambda *_, **__: undrawn)
        alone = objective.validate(next(iter(objective.networks.values())), held_out)
        assert alone.score == -alone.figures["velocity_error"], "too few held out to compare drawings with"
    with pytest.raises(UsageError, match="best is error or kid, not 'fid'"):
        objectives.objective_for(configured(name, shapes, "options.best=fid"))


def test_a_vae_draws_codes_as_pictures_have_them_and_of_few_from_the_prior(shapes):
    objective = objectives.objective_for(configured("vae", shapes, "model.latent=3", "model.components=2"))
    objective.device = torch.device("cpu")
    network = objective.networks["autoencoder"].eval()
    with torch.no_grad():
        network.encoder[-1].bias[:3] += torch.tensor([4.0, 0.0, -2.0])  # codes that are far from the prior
    store, _ = stores(objective.config, objective)
    objective.finish(network, store)
    x = torch.stack([picture(store, i) for i in range(len(store))])
    drawn = network.density(torch.randn(4000, 4, generator=torch.Generator().manual_seed(0)))
    coded = network.encode(x)
    assert torch.allclose(drawn.mean(0), coded.mean.mean(0), atol=0.5)
    # the variance of a posterior's samples is that of its means and its own
    expected = coded.mean.var(0) + coded.log_variance.exp().mean(0)
    assert torch.all((drawn.var(0) / expected).log().abs() < 1)
    labels = torch.eye(2)[[0, 1]]
    z0 = torch.randn(2, 4)
    assert torch.equal(network.sample(z0, labels), network.decode(network.density(z0), labels)[0])

    few = objectives.objective_for(configured("vae", shapes, "model.latent=20", "model.components=2"))
    few.device = torch.device("cpu")
    network = few.networks["autoencoder"].eval()
    few.finish(network, store)
    z0 = torch.randn(5, 21)
    assert torch.equal(network.density(z0), z0[:, 1:]), "of too few pictures: the prior"
    assert create("vae", {"size": (8, 8), "widths": (6,), "channels": 1}).entries.keys() == {"encode", "decode"}
    with pytest.raises(UsageError, match="components is -1"):
        create("vae", {"size": (8, 8), "components": -1})


def test_what_generates_codes_begins_with_the_autoencoder_of_another(shapes):
    told = ["model.gan_widths=[6]", "steps=1", "label=folder", "options.coding=0", "options.perceptual=0"]
    config = launch.configure("latent-gan", data=str(shapes), settings=told, start_from="emoji")
    lender = rebuild(zoo.path("emoji"))
    assert config.model["code"] == lender.config.code
    network = objectives.objective_for(config).networks["generator"]
    load_weights(network, config.family, config.started_from)
    x = torch.rand(2, 4, 64, 64)
    assert torch.equal(network.encode(x), lender.encode(x))
    assert torch.equal(network.decode(network.encode(x)), lender.decode(lender.encode(x)))
    assert "model.gan_widths=[6]" in launch.command_of(config)
    assert "model.code" not in launch.command_of(config)
    wider = ["model.widths=[4,8,8]", *told]
    with pytest.raises(ModelError, match=r"of another shape: encoder\.1\.weight"):
        launch.configure("latent-gan", data=str(shapes), settings=wider, start_from="emoji")


def test_a_run_may_drop_out_more_than_the_one_it_starts_from_did():
    lender = rebuild(zoo.path("emoji"))
    network = create("latent-flow", vars(lender.config) | {"dropout": 0.3})
    load_weights(network, "latent-flow", "emoji")
    own = lender.state_dict()
    assert all(torch.equal(value, own[name]) for name, value in network.state_dict().items())
    with pytest.raises(ModelError, match="leave out model"):
        load_weights(create("latent-flow", vars(lender.config) | {"flow_blocks": 1}), "latent-flow", "emoji")


@pytest.mark.parametrize(("name", "shipped"), [("flow", "mnist-flow"), ("latent-flow", "emoji")])
def test_a_flow_by_class_is_gone_on_with_on_pictures_without_labels(name, shipped, shapes):
    """It has learned without a class as well, by a label of zeros, and that is what the run begins with."""
    told = ["steps=1", "options.coding=0"] if name == "latent-flow" else ["steps=1"]
    config = launch.configure(name, data=str(shapes), settings=told, start_from=shipped)
    assert not config.model.get("classes")
    objective, lender = objectives.objective_for(config), rebuild(zoo.path(shipped)).eval()
    network = objective.networks[objective.exported].eval()
    load_weights(network, name, shipped)
    assert "has no labels, continues without" in taken(network, name, shipped)
    x = torch.rand(2, lender.num_latents) if name == "latent-flow" else torch.rand(2, 1, 28, 28)
    t, nothing = torch.rand(2, 1), torch.zeros(2, len(lender.config.classes))
    torch.testing.assert_close(network.velocity(x, t), lender.velocity(x, t, nothing), rtol=0, atol=1e-4)
    batch = {"x": torch.rand(2, lender.config.channels, *lender.config.size)}
    assert objective.losses(objective.exported, objective.networks, batch)["velocity"] > 0
    with pytest.raises(ModelError, match="has no class that 'disc' is or lies in"):
        launch.configure(name, data=str(shapes), settings=[*told, "label=folder"], start_from=shipped)


@pytest.mark.parametrize(("name", "shipped"), [("flow", "mnist-flow"), ("latent-flow", "emoji")])
def test_finer_classes_begin_as_the_ones_they_are_part_of(name, shipped):
    lender = rebuild(zoo.path(shipped)).eval()
    coarse = lender.config.classes
    finer = (f"{coarse[3]}/this", f"{coarse[3]}/{coarse[0]}", coarse[1])
    network = create(name, vars(lender.config) | {"classes": finer, "shares": (0.5, 0.2, 0.3)}).eval()
    load_weights(network, name, shipped)
    assert "each of this run's begins with the one it is part of" in taken(network, name, shipped)
    x = torch.rand(3, lender.num_latents) if name == "latent-flow" else torch.rand(3, 1, 28, 28)
    t, known = torch.rand(3, 1), torch.eye(len(coarse))[[3, 3, 1]]
    torch.testing.assert_close(network.velocity(x, t, torch.eye(3)), lender.velocity(x, t, known), rtol=0, atol=1e-4)
    network = create(name, vars(lender.config) | {"classes": (*finer, "elsewhere"), "shares": ()})
    with pytest.raises(ModelError, match="has no class that 'elsewhere' is or lies in"):
        load_weights(network, name, shipped)


def test_a_class_of_the_file_goes_on_as_itself_also_where_its_group_is_one(tmp_path):
    size = {"size": (8, 12), "widths": (8,), "attention": ()}
    lender = create("flow", size | {"classes": ("animal", "animal/cat", "house"), "shares": (0.5, 0.2, 0.3)})
    export(lender, tmp_path / "lender.onnx", name="lender", family="flow", half=False)
    again = create("flow", size | {"classes": ("animal/cat", "animal/dog", "house"), "shares": (0.1, 0.1, 0.8)})
    load_weights(again, "flow", str(tmp_path / "lender.onnx"))
    assert torch.equal(again.label.weight, lender.label.weight[:, [1, 0, 2]])


def test_a_run_shows_classes_as_balanced_as_it_is_told(shapes):
    for name in ("flow", "classifier"):
        told = configured(name, shapes, "label=folder", "balance=1")
        objective = objectives.objective_for(told)
        train, _ = stores(told, objective)
        shares = objective.dataset(train).shares
        names = [name.split("/")[0] for name in train.names]
        expected = [1 / names.count(name) for name in names]
        np.testing.assert_allclose(shares, expected, rtol=1e-6)
    with pytest.raises(UsageError, match="what labels them"):
        launch.configure("flow", data=str(shapes), settings=["steps=1", "balance=1"])


def test_other_networks_with_classes_want_labels(shapes):
    with pytest.raises(UsageError, match=r"mnist-gan has classes, and nothing says what labels.*label='folder'"):
        launch.configure("gan", data=str(shapes), settings=["steps=1"], start_from="mnist-gan")
    with pytest.raises(UsageError, match="flow has classes"):
        launch.configure("flow", data=str(shapes), settings=["steps=1", 'model.classes=["a","b"]'])


def test_both_sides_are_shown_the_codes_of_a_picture_that_is_encoded_once(shapes):
    objective = objectives.objective_for(configured("latent-gan", shapes, "options.coding=0", "options.noise=0"))
    assert objective.stages is None, "nothing that only the autoencoder's training needs is loaded"
    asked, encode = [], objective.network.encode
    objective.network.encode = lambda x: asked.append(x) or encode(x)
    for batch in ({"x": torch.rand(2, 4, 8, 12), "label": torch.eye(2)} for _ in range(3)):
        for player in objective.networks:
            objective.losses(player, objective.networks, batch)
        expected = (objective.network.as_map(encode(batch["x"])) + 1) / 2
        assert torch.equal(objective.shown(batch["x"]), expected)
    assert len(asked) == 3


def test_codes_have_no_colour(shapes):
    with pytest.raises(UsageError, match="codes have no colour"):
        configured("latent-gan", shapes, 'options.augment=["colour"]')


def test_the_report_shows_figures_that_come_late_and_judges_by_those_alone():
    early = [{"step": i, "fraction": i / 10, "score": -10.0, "psnr": 20.0, "train_psnr": 20.0} for i in range(4)]
    late = [
        e | {"fraction": 0.4 + i / 10, "score": -1.0 + 0.1 * i, "kid": 1.0} for i, e in enumerate([*early, *early[:3]])
    ]
    assert "a longer run would give more" in report._verdict([*early, *late])[0]
    assert not report._verdict([*early, *late[:2]])


def test_the_alarm_knows_copies_collapse_and_runs_that_learn_nothing(shapes):
    well = {"kid": 10.0, "precision": 1.0, "recall": 1.0, "near_copies": 0.01, "near_by_chance": 0.01}

    def said(*kids, copies=0.01, fraction=0.5, errors=(None,) * 9):
        objective = objectives.objective_for(configured("gan", shapes))
        objective.fraction = 0.1
        for kid, error in zip(kids[:-1], errors, strict=False):
            assert not objective._alarm(well | {"kid": kid}, error)
        objective.fraction = fraction
        return objective._alarm(well | {"kid": kids[-1], "near_copies": copies}, errors[len(kids) - 1])

    assert not said(300.0, 100.0, 30.0, 20.0)
    assert "memorization" in said(300.0, 20.0, copies=0.5)
    well["near_by_chance"] = 0.45
    assert not said(300.0, 20.0, copies=0.5), "plain drawings are as near to new pictures"
    well["near_by_chance"] = 0.01
    assert "collapse" in said(300.0, 20.0, 200.0)
    assert "nothing is learned" in said(300.0, 305.0, 290.0)
    assert not said(300.0, 305.0, 290.0, fraction=0.2), "too early to tell"
    assert not said(555.0, 535.0, 587.0, errors=(1.74, 0.70, 0.42)), "a flow that learns, and cannot draw yet"
    assert "nothing is learned" in said(300.0, 200.0, 100.0, errors=(1.74, 1.72, 1.75))


def test_a_run_that_goes_on_from_a_trained_file_need_not_learn_much(shapes):
    kids = {"precision": 1.0, "recall": 1.0, "near_copies": 0.01, "near_by_chance": 0.01}
    for recipe, asked in (("latent-flow", False), ("latent-gan", True)):
        told = ["steps=1", "options.coding=0", "options.perceptual=0"]
        config = launch.configure(recipe, data=str(shapes), settings=told, start_from="emoji")
        objective = objectives.objective_for(config)
        said = ""
        for objective.fraction, kid in ((0.1, 60.0), (0.3, 61.0), (0.5, 60.0)):
            said += objective._alarm(kids | {"kid": kid}, 0.5)
        assert ("nothing is learned" in said) == asked, recipe


def test_a_discriminator_that_knows_its_pictures_by_heart_is_an_alarm(shapes):
    objective = objectives.objective_for(configured("gan", shapes))
    figures = {"precision": 1.0, "recall": 1.0, "near_copies": 0.01, "near_by_chance": 0.01}
    objective.fraction = 0.3
    for overfit, kid, alarm in ((0.1, 500, ""), (0.3, 400, ""), (1.4, 300, ""), (0.5, 310, ""), (1.4, 310, "overfit")):
        objective.overfit = overfit
        assert objective._alarm(figures | {"kid": kid}).startswith(alarm)
        assert bool(alarm) or not objective._alarm(figures | {"kid": kid})


def test_the_discriminator_can_learn_at_a_rate_of_its_own_or_not_at_all(shapes, tmp_path):
    def judge(rate, steps):
        place = tmp_path / f"{rate} {steps}"
        train(configured("gan", shapes, f"options.discriminator_rate={rate}", f"steps={steps}"), place)
        tensors = load_file(next(place.glob("state-*.safetensors")))
        return {name: value for name, value in tensors.items() if name.startswith("network/discriminator/")}

    early, late, learning = judge(0, 1), judge(0, 3), judge(0.5, 3)
    assert all(torch.equal(early[name], late[name]) for name in early)
    assert any(not torch.equal(early[name], learning[name]) for name in early)
    with pytest.raises(UsageError, match="discriminator_rate must not be negative"):
        objectives.objective_for(configured("gan", shapes, "options.discriminator_rate=-1"))


def test_groups_are_not_normalized_with_channels_last_on_a_cpu(shapes):
    for name, cpu in (("flow", torch.contiguous_format), ("gan", torch.channels_last)):
        networks = objectives.objective_for(configured(name, shapes)).networks.values()
        assert layout(networks, torch.device("cpu")) == cpu
        assert layout(networks, torch.device("cuda")) == torch.channels_last


def test_a_classifier_predicts_numbers_where_they_are_asked_for(shapes, tmp_path):
    for kind, number in (("disc", "1"), ("square", "2.5")):
        shutil.copytree(shapes / kind, tmp_path / "data" / number)
    config = configured("classifier", tmp_path / "data", "options.target=number")
    outcome = launch.start(config, tmp_path / "run")
    card = Engine(outcome.model).card
    assert [(port.kind, port.channels) for port in card.outputs] == [("number", 1)]
    assert "absolute_error" in (tmp_path / "run" / "report.md").read_text()
    with pytest.raises(UsageError, match="holds no number"):
        launch.start(configured("classifier", shapes, "options.target=number"), tmp_path / "words")


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_pass_gradients_and_can_be_left_out(name, channels):
    torch.manual_seed(0)
    x = torch.rand(5, channels, 16, 12, requires_grad=True)
    assert torch.equal(augment(x, 0.0, (name,)), x)
    changed = augment(x, 1.0, (name,))
    assert changed.shape == x.shape
    assert not torch.equal(changed, x)
    changed.sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


@pytest.mark.parametrize("shape", [(8, 8), (6, 20), (20, 6)])
def test_muon_makes_singular_values_nearly_equal(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert values.min() > 0.3
    assert values.max() < 1.4


def test_muon_steps_parameters_together_as_each_alone():
    torch.manual_seed(0)
    shapes = [(8, 3, 3, 3), (8, 3, 3, 3), (5, 27), (5,), (5,), (3,)]
    start, gradients = [torch.randn(s) for s in shapes], [[torch.randn(s) for s in shapes] for _ in range(3)]

    def stepped(groups: list[list[int]]) -> list[torch.Tensor]:
        parameters = [torch.nn.Parameter(value.clone()) for value in start]
        for group in groups:
            optimizer = Muon([parameters[i] for i in group], 0.01, weight_decay=0.1)
            for count, step in enumerate(gradients):
                for i in group:
                    parameters[i].grad = None if (i, count) == (3, 1) else step[i].clone()  # one misses a step
                optimizer.step()
        return [parameter.detach() for parameter in parameters]

    together, alone = stepped([[0, 1, 2, 3, 4, 5]]), stepped([[i] for i in range(6)])
    for one, other, before in zip(together, alone, start, strict=True):
        torch.testing.assert_close(one, other)
        assert not torch.allclose(one, before)


def test_muon_leaves_the_game_of_codes_to_adam():
    config = {"size": (16, 16), "widths": (6, 8), "fine": 4, "code": 4, "gan_widths": (6,)}
    config = dataclasses.replace(RECIPES["latent-gan"](), model=config, optimizer="muon", steps=1, seconds=0)
    objective = objectives.objective_for(config)
    for player, network in objective.networks.items():
        stepper = optimizer(config, network, torch.float32, objective.by_adam(player))
        for parameter in network.parameters():
            parameter.grad = torch.randn_like(parameter)
        stepper.step()
        by_adam = {name for name, value in network.named_parameters() if "square" in stepper.state[value]}
        matrices = {name for name, value in network.named_parameters() if value.ndim > 1}
        game = {name for name in matrices if player == "discriminator" or name.startswith(("body.", "label."))}
        assert by_adam & matrices == game
        assert game != matrices or player == "discriminator"
