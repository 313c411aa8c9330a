"""Drawing pictures with small generators whose pictures can be computed by hand, one for each way of drawing."""

from dataclasses import replace
from pathlib import Path

import known_generators
import model_files
import numpy as np
import pytest
import pyvips
from known_generators import CLASSES, DEVIATION, LATENT, MEAN, MEANS, SIZE

import sfumato
from sfumato.conditions.classes import grouped, listed, part_of, within
from sfumato.errors import ModelError, PictureError, UsageError
from sfumato.generation.generate import generate, interpolate, reconstruct, vary
from sfumato.generation.result import Generated, file_name
from sfumato.models.engine import Engine
from sfumato.models.model_file import seal
from sfumato.pictures.picture import Picture
from sfumato.sampling.noise import noise, slerp

ENGINES = {name: Engine(make(), threads=1) for name, make in known_generators.DRAWING.items()}
GAN, VAE, AUTOENCODER, FLOW, CODES = (ENGINES[name] for name in ("gan", "vae", "autoencoder", "flow", "latent_flow"))
every_generator = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
STEP = 1 / 255
PHOTOGRAPH = Picture.from_array(np.random.default_rng(0).uniform(0.3, 0.7, (20, 20, 3)).astype(np.float32))


def stacked(made: Generated) -> np.ndarray:
    return np.stack([picture.array() for picture in made.pictures])


@every_generator
def test_a_picture_depends_on_model_seed_and_number_only(engine: Engine) -> None:
    many = stacked(generate(engine, 5, seed=7))
    assert np.abs(many - stacked(generate(engine, 5, seed=8))).max() > 5 * STEP
    assert np.abs(many[:3] - stacked(generate(engine, 3, seed=7))).max() <= STEP
    assert np.abs(many[2:] - stacked(generate(engine, 3, seed=7, first=2))).max() <= STEP


def test_batches_do_not_show() -> None:
    assert np.array_equal(stacked(generate(GAN, 130))[128], stacked(generate(GAN, 1, first=128))[0])


@every_generator
def test_pictures_have_the_models_size_channels_and_alpha(engine: Engine) -> None:
    channels = next(port.channels for port in engine.card.outputs if port.kind == "picture")
    made = generate(engine, 3)
    for picture in made.pictures:
        assert (picture.height, picture.width) == SIZE
        assert picture.num_channels == min(channels, 3)
        assert picture.has_alpha == (channels == 4)
    assert made.labels == ("", "", "")
    assert made.model == engine.card.name


def test_a_gan_draws_what_its_weights_say_and_colour_is_divided_by_alpha() -> None:
    picture = generate(GAN, 1, seed=3, label="rose").pictures[0]
    planes = 0.6 + (noise(3, 0, (LATENT,)) @ known_generators._projection(4)).reshape(4, *SIZE)
    assert np.abs(picture.alpha() - planes[3]).max() <= STEP
    expected = (planes[:3] / planes[3]).clip(0, 1).transpose(1, 2, 0)
    assert np.abs(picture.array() - expected).max() <= 1.5 * STEP


@pytest.mark.parametrize("label", [None, *CLASSES])
def test_a_flow_draws_the_distribution_that_it_is_of(label: str | None) -> None:
    drawn = 2 * stacked(generate(FLOW, 64, label=label, size=(32, 32))) - 1
    assert drawn.mean() == pytest.approx(MEAN if label is None else MEANS[CLASSES.index(label)], abs=0.01)
    assert drawn.std() == pytest.approx(DEVIATION, rel=0.06)  # values outside [0, 1] are clipped


def test_guidance_goes_beyond_the_class() -> None:
    by = {g: (2 * stacked(generate(FLOW, 8, label="tulip", guidance=g)) - 1).mean() for g in (0.0, 1.0, 2.0)}
    assert by[0.0] == pytest.approx(MEAN, abs=0.05)
    assert by[1.0] == pytest.approx(MEANS[1], abs=0.05)
    assert by[2.0] - by[1.0] == pytest.approx(by[1.0] - by[0.0], abs=0.05)


@pytest.mark.parametrize("engine", [FLOW, CODES], ids=["flow", "latent_flow"])
def test_churn_puts_noise_back_that_depends_on_seed_and_number_alone(engine: Engine) -> None:
    how = {"seed": 5, "steps": 6, "churn": 4.0, "label": CLASSES[1]}
    alone, together = generate(engine, 1, first=2, **how), generate(engine, 4, **how)
    assert np.abs(stacked(alone)[0] - stacked(together)[2]).max() <= STEP
    assert np.abs(stacked(together) - stacked(generate(engine, 4, **how | {"churn": 0.0}))).max() > 5 * STEP
    way = interpolate(engine, (5, 0), (5, 3), frames=3, **{key: how[key] for key in ("steps", "churn", "label")})
    assert np.abs(stacked(way)[[0, 2]] - stacked(together)[[0, 3]]).max() <= STEP


def test_a_flow_with_churn_draws_the_same_distribution() -> None:
    drawn = 2 * stacked(generate(FLOW, 64, label=CLASSES[0], size=(32, 32), steps=100, churn=20.0)) - 1
    assert drawn.mean() == pytest.approx(MEANS[0], abs=0.02)
    assert drawn.std() == pytest.approx(DEVIATION, rel=0.06)


def test_steps_and_solver_are_the_models_unless_told() -> None:
    own = generate(FLOW, 2, seed=5)
    assert own.steps == 20
    assert np.array_equal(stacked(own), stacked(generate(FLOW, 2, seed=5, steps=20, solver="heun")))
    assert not np.array_equal(stacked(own), stacked(generate(FLOW, 2, seed=5, steps=2, solver="euler")))
    assert np.array_equal(stacked(own), stacked(generate(FLOW, 2, seed=5, shift=1.0)))
    shifted = Engine(known_generators.flow(sampling={"steps": 20, "solver": "heun", "guidance": 1.0, "shift": 9.0}))
    assert np.array_equal(stacked(generate(shifted, 2, seed=5)), stacked(generate(FLOW, 2, seed=5, shift=9.0)))
    assert not np.array_equal(stacked(own), stacked(generate(shifted, 2, seed=5)))
    assert generate(GAN, 1).steps == 1


def test_mix_is_all_classes_in_turn_wherever_one_begins() -> None:
    assert generate(GAN, 5, label="mix").labels == ("rose", "tulip", "fern", "rose", "tulip")
    assert generate(GAN, 2, first=5, label="mix").labels == ("fern", "rose")
    mixed = stacked(generate(GAN, 3, label="mix", seed=2))
    assert np.array_equal(mixed[1], stacked(generate(GAN, 3, label="tulip", seed=2))[1])


GROUPED = ("flower/rose", "flower/tulip", "fern")


def grouped_flow(shares: list[float] | None = None) -> Engine:
    """The flow with its classes in a group and one beside it."""
    sampling = FLOW.card.sampling | ({"class": shares} if shares else {})
    return Engine(seal(known_generators.flow(), replace(FLOW.card, classes=GROUPED, sampling=sampling)), threads=1)


def test_classes_of_a_group_are_drawn_as_often_as_the_pictures_had_them() -> None:
    labels = generate(grouped_flow([0.6, 0.2, 0.2]), 200, seed=3, label="flower", steps=1).labels
    assert set(labels) == {"flower/rose", "flower/tulip"}
    assert labels.count("flower/rose") == pytest.approx(150, abs=25)
    alike = generate(grouped_flow(), 200, label="flower", steps=1).labels
    assert alike.count("flower/rose") == pytest.approx(100, abs=30)
    never = generate(grouped_flow([0, 0, 1]), 40, label="flower", steps=1).labels
    assert set(never) == {"flower/rose", "flower/tulip"}, "classes too few to have a share are drawn when asked for"


def test_a_class_in_a_group_is_found_by_its_whole_name_and_by_its_own() -> None:
    engine = grouped_flow()
    whole, own = (generate(engine, 2, label=name, steps=2) for name in ("flower/tulip", "tulip"))
    assert whole.labels == own.labels == ("flower/tulip",) * 2
    assert np.array_equal(stacked(whole), stacked(own))
    with pytest.raises(UsageError, match="did you mean 'flower'"):
        generate(engine, 1, label="flowers")
    with pytest.raises(UsageError, match="it knows flower, fern, or mix"):
        generate(engine, 1, label="xyzzy")
    assert len(set(interpolate(engine, 1, 2, frames=4, label="flower", steps=1).labels)) == 1


def test_names_of_classes_are_found_in_the_nearest_meaning() -> None:
    classes = ("other/x", "vehicles/other", "vehicles/car", "animal", "animal/cat")
    assert within(classes, "other") == ("other/x",), "a group before a class of that name in another one"
    assert within(classes, "vehicles") == ("vehicles/other", "vehicles/car")
    assert within(classes, "animal") == ("animal",), "a class before the group of that name"
    assert within(classes, "car") == ("vehicles/car",)
    assert within(classes, "vehicle") == ()
    assert part_of(classes, "animal/cat/siamese") == "animal/cat"
    assert part_of(("other", "vehicles"), "vehicles/other") == "vehicles"
    assert part_of(classes, "animals/cat") is None
    assert grouped(classes)["animal"] == ("animal", "animal/cat")
    assert listed(GROUPED) == "flower (rose, tulip), fern"


def test_mix_is_a_word_for_all_also_where_a_class_within_a_group_has_that_name() -> None:
    renamed = replace(FLOW.card, classes=("dog/poodle", "dog/mix", "cat"))
    engine = Engine(seal(known_generators.flow(), renamed), threads=1)
    labels = generate(engine, 20, label="mix", steps=1).labels
    assert labels[1::2] == ("cat",) * 10
    assert set(labels[::2]) == {"dog/poodle", "dog/mix"}
    assert generate(engine, 1, label="dog/mix", steps=1).labels == ("dog/mix",)


def test_ends_of_a_way_within_a_group_have_seeds_of_at_least_0() -> None:
    with pytest.raises(UsageError, match="0 or more"):
        interpolate(grouped_flow(), -1, 2, label="flower")


def test_mix_takes_the_groups_in_turn_and_the_sheet_has_a_column_for_each() -> None:
    made = generate(grouped_flow([0.5, 0, 0.5]), 6, label="mix", steps=1)
    assert made.labels == ("flower/rose", "fern") * 3
    assert made.sheet().width == 2 * 14 - 2


def test_a_flow_draws_other_sizes_and_says_that_it_was_not_trained_for_them() -> None:
    made = generate(FLOW, 1, size=(16, 20), steps=2)
    assert (made.pictures[0].height, made.pictures[0].width) == (16, 20)
    assert "trained at 12 wide and 8 high" in made.notes[0]
    assert not generate(FLOW, 1, size=SIZE, steps=2).notes


@pytest.mark.parametrize(
    ("engine", "options", "hint"),
    [
        (FLOW, {"size": (15, 20)}, r"multiples of 4, as in 16x20"),
        (FLOW, {"size": (0, 20)}, "multiples of 4"),
        (FLOW, {"size": (400, 400)}, "at most 4,096 pixels"),
        (GAN, {"size": (16, 24)}, "12 wide and 8 high only"),
        (GAN, {"steps": 3}, "steps is for flows"),
        (GAN, {"solver": "heun"}, "solver is for flows"),
        (GAN, {"shift": 3.0}, "shift is for flows"),
        (GAN, {"churn": 3.0}, "churn is for flows"),
        (FLOW, {"churn": -1.0}, "0 to 1000"),
        (FLOW, {"shift": 0.0}, "0.01 to 100"),
        (FLOW, {"shift": float("nan")}, "0.01 to 100"),
        (GAN, {"guidance": 2.0, "label": "rose"}, "guidance is for flows"),
        (FLOW, {"guidance": 2.0}, "name one with label"),
        (FLOW, {"guidance": float("nan"), "label": "rose"}, "0 to 100"),
        (FLOW, {"steps": 0}, "1 to 1000"),
        (FLOW, {"solver": "hein"}, "euler, heun"),
        (FLOW, {"label": "roses"}, "did you mean 'rose'"),
        (FLOW, {"label": "xyzzy"}, "rose, tulip, fern, or mix"),
        (AUTOENCODER, {"label": "rose"}, "without classes"),
        (GAN, {"num": 0}, "num is 0; give 1 or more"),
        (GAN, {"seed": -1}, "0 or more"),
    ],
)
def test_wishes_that_a_model_does_not_have_are_refused(engine: Engine, options: dict, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        generate(engine, **{"num": 1} | options)


def test_a_flow_without_classes_takes_no_guidance_and_without_size_asks() -> None:
    with pytest.raises(UsageError, match="trained without any"):
        generate(Engine(known_generators.flow(classes=())), 1, guidance=2.0)
    sizeless = Engine(known_generators.flow(size=()))
    with pytest.raises(UsageError, match="give size, height and width"):
        generate(sizeless, 1)
    assert generate(sizeless, 1, size=(4, 8)).pictures[0].width == 8


def test_what_draws_no_pictures_says_what_it_is_for() -> None:
    with pytest.raises(ModelError, match=r"`sfumato restore --model denoise-fast`"):
        generate("denoise-fast", 1)
    with pytest.raises(ModelError, match=r"classify.*take a generator"):
        generate(Engine(known_generators.classifier()), 1)
    with pytest.raises(ModelError, match="of 5 channels"):
        generate(Engine(known_generators.gan(channels=5)), 1)
    with pytest.raises(ModelError, match="no restorer"):
        sfumato.restore(PHOTOGRAPH, model=Engine(known_generators.classifier()))
    with pytest.raises(ModelError, match="`sfumato generate`"):
        sfumato.restore(PHOTOGRAPH, model=GAN)
    with pytest.raises(ModelError, match="flows restore too"):
        sfumato.restore(PHOTOGRAPH, model=GAN)
    with pytest.raises(PictureError, match="is 20x20; flowers-latent-flow enlarges to 12x8"):
        sfumato.restore(PHOTOGRAPH, model=CODES)


@pytest.mark.parametrize("engine", [VAE, AUTOENCODER, CODES], ids=["vae", "autoencoder", "latent_flow"])
def test_a_picture_that_the_model_drew_comes_back_from_encoder_and_decoder(engine: Engine) -> None:
    drawn = generate(engine, 1, seed=4).pictures[0]
    again = reconstruct(engine, drawn)
    assert np.abs(again.pictures[0].array() - drawn.array()).max() <= 2 * STEP
    assert np.array_equal(again.sources[0].array(), drawn.array())
    assert not again.notes


def test_a_picture_is_fitted_to_the_model_which_is_said() -> None:
    made = reconstruct(VAE, PHOTOGRAPH)
    assert made.notes == (
        "The picture was scaled and cropped to 12 wide and 8 high, turned to grey, which is what flowers-vae knows.",
    )
    assert (made.sources[0].height, made.sources[0].width, made.sources[0].num_channels) == (*SIZE, 1)
    transparent = Picture.from_array(np.zeros((8, 12, 3)), alpha=np.zeros((8, 12)))
    made = reconstruct(AUTOENCODER, transparent)
    assert made.notes == ("The picture was laid on white, which is what flowers-autoencoder knows.",)
    assert np.all(made.sources[0].array() == 1)


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (7, 3), (8, 12), (200, 9)])
def test_a_picture_of_any_shape_is_fitted(size: tuple[int, int]) -> None:
    picture = Picture.from_array(np.full((*size, 3), 0.4, np.float32))
    seen = reconstruct(AUTOENCODER, picture).sources[0].array()
    assert seen.shape == (*SIZE, 3)
    assert np.abs(seen - 0.4).max() <= STEP


@pytest.mark.parametrize("engine", [VAE, AUTOENCODER, CODES], ids=["vae", "autoencoder", "latent_flow"])
def test_variations_go_from_the_picture_to_new_ones(engine: Engine) -> None:
    again = stacked(reconstruct(engine, PHOTOGRAPH))
    for amount, farthest in ((0.0, 1.5 * STEP), (0.3, 1.0)):
        varied = vary(engine, PHOTOGRAPH, 4, amount=amount)
        assert np.abs(stacked(varied) - again).max() <= farthest
        assert len(varied.pictures) == 4
    near, far = (np.abs(stacked(vary(engine, PHOTOGRAPH, 4, amount=a)) - again).mean() for a in (0.2, 0.8))
    assert STEP / 2 < near < far


def test_the_farthest_variations_are_what_the_model_draws() -> None:
    assert np.array_equal(stacked(vary(VAE, PHOTOGRAPH, 3, amount=1, seed=6)), stacked(generate(VAE, 3, seed=6)))
    # The autoencoder's codes have the mean 3 and the deviation 2, which is measured.
    far, drawn = stacked(vary(AUTOENCODER, PHOTOGRAPH, 200, amount=1)), stacked(generate(AUTOENCODER, 200, seed=1))
    assert np.abs(far.mean(axis=0) - drawn.mean(axis=0)).max() < 0.02
    assert far.std(axis=0).mean() == pytest.approx(drawn.std(axis=0).mean(), rel=0.2)


def test_a_flow_of_codes_draws_codes_and_decodes_them() -> None:
    drawn = stacked(generate(CODES, 2, seed=5, label="fern", steps=200))
    codes = MEANS[2] + DEVIATION * np.stack([noise(5, i, (LATENT,)) for i in range(2)])
    expected = 0.5 + (codes @ known_generators._projection(1)).reshape(2, *SIZE)
    assert np.abs(drawn[..., 0] - expected).max() <= 2 * STEP
    assert np.array_equal(stacked(vary(CODES, PHOTOGRAPH, 3, amount=1, seed=6)), stacked(generate(CODES, 3, seed=6)))


def test_a_gan_of_codes_goes_through_its_noise_and_varies_no_picture() -> None:
    engine = Engine(known_generators.autoencoder(sampling={"arcs": True}))
    middle = stacked(interpolate(engine, 1, 2, frames=3))[1]
    z0 = slerp(noise(1, 0, (LATENT,)), noise(2, 0, (LATENT,)), 0.5)
    expected = 0.5 + ((3 + 2 * z0) @ (known_generators._projection(3) / 5)).reshape(3, *SIZE).transpose(1, 2, 0)
    assert np.abs(middle - expected).max() <= STEP
    with pytest.raises(UsageError, match="flows of codes vary pictures"):
        vary(engine, PHOTOGRAPH)


def test_a_decoder_that_knows_classes_varies_across_them() -> None:
    varied = vary(VAE, PHOTOGRAPH, 3, amount=0, label="mix")
    assert varied.labels == CLASSES
    lighter = stacked(reconstruct(VAE, PHOTOGRAPH, label="fern")) - stacked(reconstruct(VAE, PHOTOGRAPH))
    assert np.abs(lighter - 0.1).max() <= 1.5 * STEP
    with pytest.raises(UsageError, match="without classes"):
        vary(AUTOENCODER, PHOTOGRAPH, label="rose")


@every_generator
def test_the_way_between_two_seeds_begins_and_ends_with_their_pictures(engine: Engine) -> None:
    way = stacked(interpolate(engine, 3, (4, 2), frames=5))
    assert len(way) == 5
    assert np.abs(way[0] - stacked(generate(engine, 1, seed=3))[0]).max() <= 2 * STEP
    assert np.abs(way[-1] - stacked(generate(engine, 1, seed=4, first=2))[0]).max() <= 2 * STEP
    steps = np.abs(np.diff(way, axis=0)).mean(axis=(1, 2, 3))
    assert steps.max() < 3 * steps.min()


def test_the_way_may_begin_with_a_picture() -> None:
    way = interpolate(AUTOENCODER, PHOTOGRAPH, 3, frames=4)
    assert np.abs(stacked(way)[0] - stacked(reconstruct(AUTOENCODER, PHOTOGRAPH))[0]).max() <= STEP
    assert np.abs(stacked(way)[-1] - stacked(generate(AUTOENCODER, 1, seed=3))[0]).max() <= 2 * STEP
    assert "scaled" in way.notes[0]


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: reconstruct(GAN, PHOTOGRAPH), "no encoder"),
        (lambda: vary(FLOW, PHOTOGRAPH), "no encoder"),
        (lambda: interpolate(GAN, PHOTOGRAPH, 1), "no encoder"),
        (lambda: interpolate(GAN, 0, 1, frames=1), "two ends"),
        (lambda: interpolate(GAN, 0, 1, label="mix"), "name one class"),
        (lambda: interpolate(GAN, 0, -1), "0 or more"),
        (lambda: interpolate(FLOW, 0, 1, guidance=2.0), "name one with label"),
        (lambda: vary(VAE, PHOTOGRAPH, amount=1.5), "0 to 1"),
        (lambda: vary(VAE, PHOTOGRAPH, 0), "num is 0; give 1 or more"),
    ],
)
def test_what_a_family_cannot_do_is_one_sentence(call, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        call()


def test_progress_counts_pictures() -> None:
    told: list[tuple[int, int]] = []
    generate(GAN, 130, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (130, 130)
    assert told == sorted(told)


def test_a_sheet_holds_every_picture_and_mix_gives_each_class_a_column() -> None:
    made = generate(VAE, 7, label="mix")
    sheet = made.sheet()
    assert (sheet.height, sheet.width) == (3 * 8 + 4, 3 * 12 + 4)
    for number, picture in enumerate(made.pictures):
        top, left = number // 3 * 10, number % 3 * 14
        assert np.array_equal(sheet.array()[top : top + 8, left : left + 12], picture.array())
    assert made.sheet(columns=7).width == 7 * 14 - 2
    assert generate(VAE, 16).sheet().height == 4 * 10 - 2
    transparent = generate(GAN, 3).sheet(columns=2)
    assert transparent.alpha()[9, 5] == transparent.alpha()[-1, -1] == 0
    assert reconstruct(VAE, PHOTOGRAPH).sheet(columns=2).width == 2 * 14 - 2


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".webp", ".avif", ".jpg"])
def test_a_drawn_picture_says_in_its_file_that_it_is_made_up(suffix: str, tmp_path: Path) -> None:
    made = generate(AUTOENCODER, 2, seed=11)
    file = made.pictures[1].save(tmp_path / f"drawn{suffix}")
    restored = sfumato.restore(file, model=Engine(model_files.identity()))
    for path in (file, restored.save(tmp_path / f"restored{suffix}"), made.sheet().save(tmp_path / f"sheet{suffix}")):
        said = pyvips.Image.new_from_file(str(path)).get("xmp-data").decode()
        assert "trainedAlgorithmicMedia" in said
        assert ("flowers-autoencoder, seed 11, number 1" in said) == (path.stem != "sheet")


def test_saving_numbers_the_files_and_replaces_nothing_unasked(tmp_path: Path) -> None:
    made = generate(GAN, 2, label="mix")
    files = made.save(tmp_path / "new", first=9)
    assert [file.name for file in files] == ["0009-rose.png", "0010-tulip.png"]
    assert np.array_equal(Picture.open(files[1]).array(), made.pictures[1].array())
    with pytest.raises(PictureError, match="pass overwrite=True"):
        made.save(tmp_path / "new", first=9)
    made.save(tmp_path / "new", first=9, overwrite=True)
    assert [file.name for file in generate(VAE, 1).save(tmp_path)] == ["0000.png"]
    assert file_name(7, "Animals & Nature/cat") == "0007-Animals-Nature-cat.png"


def test_the_face_draws() -> None:
    assert callable(sfumato.generate)
    assert len(sfumato.generate(GAN, 3).pictures) == 3


def test_a_model_that_always_needs_a_class_is_told_one_at_random() -> None:
    made = known_generators.gan()
    told = Engine(seal(made, replace(GAN.card, sampling={"class": "random"})), threads=1)
    free = generate(told, 60, seed=2)
    assert set(free.labels) == set(CLASSES)
    assert generate(told, 3, seed=2, first=10).labels == free.labels[10:13]
    alone = [stacked(generate(told, 1, seed=2, first=i, label=free.labels[i]))[0] for i in range(3)]
    assert np.abs(stacked(free)[:3] - np.stack(alone)).max() <= STEP
    assert free.sheet().width != generate(told, 60, label="mix").sheet().width  # no columns of one class each
    assert len(set(interpolate(told, 1, (2, 3), frames=4).labels)) == 1


def test_a_model_may_say_how_often_a_class_is_drawn_where_none_is_asked_for() -> None:
    def drawing(shares: object) -> Engine:
        return Engine(seal(known_generators.flow(), replace(FLOW.card, sampling={"class": shares})), threads=1)

    labels = generate(drawing([0.75, 0, 0.25]), 400, seed=1).labels
    assert set(labels) == {CLASSES[0], CLASSES[2]}
    assert labels.count(CLASSES[0]) == pytest.approx(300, abs=35)
    assert generate(drawing([1, 0, 0]), 2, guidance=2.0).labels == (CLASSES[0],) * 2
    for shares in ([0.5, 0.5], [1, 0, -1], "often", [0, 0, 0]):
        with pytest.raises(ModelError, match="a share for each of 3"):
            drawing(shares)
