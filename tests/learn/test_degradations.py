"""What every degradation must hold, over the whole list."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from sfumato.estimation.jpeg import scale
from sfumato.estimation.stored import LIKE_JPEG
from sfumato.learn.degradations.blur import (
    Defocus,
    GaussianBlur,
    MotionBlur,
    Sharpened,
    disc_kernel,
    motion_kernel,
    spread,
)
from sfumato.learn.degradations.camera import Camera, FilmGrain
from sfumato.learn.degradations.codecs import Coded
from sfumato.learn.degradations.damage import VISIBLE, Scratches
from sfumato.learn.degradations.degradation import Chain
from sfumato.learn.degradations.demosaicing import DEMOSAICING, bayer
from sfumato.learn.degradations.diffusion import DIFFUSIONS, diffused
from sfumato.learn.degradations.jpeg import Compression, Jpeg, compressed
from sfumato.learn.degradations.mixtures import DEGRADATIONS
from sfumato.learn.degradations.noise import (
    BlotchyNoise,
    CorrelatedNoise,
    GaussianNoise,
    Grey,
    PoissonGaussianNoise,
    VaryingNoise,
    grey,
)
from sfumato.learn.degradations.patterns import PATTERNS, Coloured, Patterned
from sfumato.learn.degradations.resampling import Reduced, resized
from sfumato.learn.degradations.screens import Kept, Screened

names = pytest.mark.parametrize("name", DEGRADATIONS)


def picture(height: int = 40, width: int = 56, channels: int = 3) -> torch.Tensor:
    return torch.rand(channels, height, width, generator=torch.Generator().manual_seed(1)) * 0.6 + 0.2


@names
def test_same_generator_same_result_and_the_input_stays(name):
    x = picture()
    kept = x.clone()
    first, second = (DEGRADATIONS[name](x, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first.y, second.y)
    assert torch.equal(first.level, second.level)
    assert first.parameters == second.parameters
    assert torch.equal(x, kept)
    other = DEGRADATIONS[name](x, torch.Generator().manual_seed(6))
    assert torch.equal(first.y, other.y) == isinstance(DEGRADATIONS[name], Reduced)  # it draws nothing


@names
@pytest.mark.parametrize("size", [(8, 8), (36, 52)])
def test_shapes_and_parameters(name, size):
    x = picture(*size)
    for seed in range(8):
        degraded = DEGRADATIONS[name](x, torch.Generator().manual_seed(seed))
        assert degraded.x.shape == x.shape
        scale = degraded.parameters.get("scale", 1)
        assert degraded.y.shape == (3, *(length // scale for length in size))
        assert degraded.level.shape == (1, *degraded.y.shape[1:])
        assert degraded.y.isfinite().all()
        assert (degraded.level >= 0).all()
        assert degraded.parameters
        json.dumps(degraded.parameters)


@pytest.mark.parametrize(
    "noise",
    [
        GaussianNoise((20, 20)),
        Grey(GaussianNoise((20, 20))),
        PoissonGaussianNoise((20, 20), (5, 5)),
        CorrelatedNoise((20, 20), mosaic_share=0),
        CorrelatedNoise((20, 20), mosaic_share=1),
        BlotchyNoise((20, 20)),
        VaryingNoise((5, 40)),
    ],
    ids=lambda noise: type(noise).__name__,
)
def test_the_level_map_is_the_noise_that_is_there(noise):
    degraded = noise(picture(256, 256), torch.Generator().manual_seed(2))
    measured = (degraded.y - degraded.x).square().mean().sqrt()
    stated = degraded.level.square().mean().sqrt()
    torch.testing.assert_close(measured, stated, rtol=0.03, atol=0)


def test_signal_dependent_noise_grows_with_brightness():
    ramp = torch.linspace(0, 1, 256).expand(3, 256, 256).contiguous()
    degraded = PoissonGaussianNoise((40, 40), (2, 2))(ramp, torch.Generator().manual_seed(0))
    noise = degraded.y - degraded.x
    dark, bright = noise[:, :, :64].std(), noise[:, :, -64:].std()
    assert bright > 2 * dark


def test_correlated_noise_has_neighbours_alike_and_white_noise_has_not():
    def correlation(noise):
        found = noise(torch.full((3, 256, 256), 0.5), torch.Generator().manual_seed(3))
        n = found.y - found.x
        return float((n[:, :, 1:] * n[:, :, :-1]).mean() / n.square().mean())

    assert abs(correlation(GaussianNoise((20, 20)))) < 0.02
    assert correlation(CorrelatedNoise((20, 20), blur=(0.8, 0.8), mosaic_share=0)) > 0.3
    assert correlation(CorrelatedNoise((20, 20), mosaic_share=1)) > 0.2


def test_blotchy_noise_is_fine_in_luma_and_coarse_in_colour():
    noise = BlotchyNoise((20, 20), of_luma=(0.5, 0.5), grain=(0, 0), blotches=(2.5, 2.5))
    found = noise(torch.full((3, 256, 256), 0.5), torch.Generator().manual_seed(3))
    luma = grey(found.y - found.x)
    colour = found.y - found.x - luma
    alike = [float((n[:, :, 2:] * n[:, :, :-2]).mean() / n.square().mean()) for n in (luma, colour)]
    assert abs(alike[0]) < 0.03
    assert alike[1] > 0.7
    assert found.y.std() > 0
    single = noise(torch.full((1, 64, 64), 0.5), torch.Generator().manual_seed(3))
    torch.testing.assert_close((single.y - single.x).std(), torch.tensor(20 / 255), rtol=0.02, atol=0)


def test_grey_stays_grey_and_clipped_stays_in_range():
    grey = DEGRADATIONS["grey"](picture(), torch.Generator().manual_seed(0))
    torch.testing.assert_close(grey.y[0], grey.y[1])
    torch.testing.assert_close(grey.x[0], grey.x[2])
    clipped = GaussianNoise((75, 75), clip=True)(picture(), torch.Generator().manual_seed(0)).y
    assert clipped.min() == 0
    assert clipped.max() == 1


def test_jpeg_of_lower_quality_is_further_from_the_picture():
    x = picture(64, 64)
    errors = [float((Jpeg((q, q))(x, torch.Generator().manual_seed(0)).y - x).square().mean()) for q in (95, 70, 30, 5)]
    assert errors == sorted(errors)
    assert Jpeg((60, 60))(x[:1], torch.Generator().manual_seed(0)).y.shape == (1, 64, 64)


def test_compression_says_its_lowest_quality_and_keeps_grey_grey():
    x = picture(64, 72)
    once = Compression((30, 30))(x, torch.Generator().manual_seed(0))
    assert float(once.level.max()) == pytest.approx(scale(30))
    twice = Compression((80, 80), again=(20, 20), twice=1.0)(x, torch.Generator().manual_seed(0))
    assert float(twice.level.min()) == pytest.approx(scale(20))
    grey = Grey(Compression((10, 10), shifted=1.0))(x, torch.Generator().manual_seed(0))
    assert torch.equal(grey.y[0], grey.y[1])
    assert grey.y.shape == x.shape


@pytest.mark.parametrize("codec", LIKE_JPEG)
def test_what_another_encoder_leaves_is_likened_to_a_jpeg(codec):
    x = resized(picture(24, 28), (96, 112))
    errors, levels = [], []
    for quality in (95, 70, 30, 5):
        done = Coded((quality, quality), codecs=(codec,))(x, torch.Generator().manual_seed(0))
        assert done.parameters[codec] == quality
        errors.append(float((done.y - x).square().mean()))
        levels.append(float(done.level.max()))
    assert errors == sorted(errors)
    assert levels == sorted(levels)
    assert Coded((60, 60))(x[:1], torch.Generator().manual_seed(0)).y.shape == (1, 96, 112)


def test_a_shifted_grid_has_its_edges_elsewhere():
    x = picture(64, 64)
    for shift in ((0, 0), (3, 5)):
        y = compressed(x[:1], 5, shift=shift)[0]
        steps = (y[:, 1:] - y[:, :-1]).abs().mean(0)  # from column i to i + 1; a grid of 8 stands out
        by_phase = torch.stack([steps[phase::8].mean() for phase in range(8)])
        assert int(by_phase.argmax()) == (7 - shift[1]) % 8


def test_resizing_is_that_of_the_libraries_inside_and_keeps_what_is_plain():
    x = picture(60, 80, 1)
    for size in ((30, 40), (15, 20), (120, 160)):
        found = resized(x, size)[0].numpy()
        other = Image.fromarray(x[0].numpy()).resize(size[::-1], Image.Resampling.BICUBIC)
        np.testing.assert_allclose(found[8:-8, 8:-8], np.asarray(other)[8:-8, 8:-8], atol=1e-5)
        torch.testing.assert_close(resized(torch.full((1, 60, 80), 0.3), size), torch.full((1, *size), 0.3))


def test_a_chain_goes_from_the_first_picture_to_the_last():
    x = picture(48, 48)
    chain = Chain(((1.0, GaussianBlur((0.5, 0.5))), (1.0, GaussianNoise((10, 10))), (0.0, Jpeg())))
    found = chain(x, torch.Generator().manual_seed(0))
    assert torch.equal(found.x, x)
    assert float(found.level.mean()) == pytest.approx(10 / 255)
    assert "width" in found.parameters
    assert "jpeg" not in found.parameters


def test_the_mask_of_scratches_is_where_they_show_and_nowhere_else():
    drawn = Scratches(whole=0.0, scanned=0.0)
    shares = []
    for seed in range(30):
        found = drawn(picture(96, 96), torch.Generator().manual_seed(seed))
        change = (found.y - found.x).abs().amax(0, keepdim=True)
        masked = found.level.bool()
        assert change[~masked].max() <= VISIBLE + 1 / 255
        assert set(found.level.unique().tolist()) <= {0.0, 1.0}
        shares.append(float(found.level.mean()))
    assert 0.01 < sum(shares) / len(shares) < 0.3
    unmarked = Scratches(whole=1.0)(picture(), torch.Generator().manual_seed(0))
    assert not unmarked.level.any()
    assert unmarked.parameters["marks"] == {}
    things = Scratches(whole=1.0, thin=1.0, scanned=0.0)(picture(96, 96), torch.Generator().manual_seed(0))
    assert things.parameters["things"]
    assert not things.level.any()  # wires and lettering belong to the picture
    assert (things.x - things.y).abs().max() < 1 / 255


@pytest.mark.parametrize("gain", [0.0, 0.2])
@pytest.mark.parametrize("channels", [1, 3])
def test_dots_of_all_kinds_keep_the_mean_of_the_tones_they_stand_for(channels, gain):
    kinds = set()
    for seed in range(40):
        tone = 0.2 + 0.6 * torch.rand(channels, 1, 1, generator=torch.Generator().manual_seed(seed))
        screened = Screened(coloured=1.0, gain=(gain, gain), partial=0, compressed=0, pitch=(2.3, 6))
        done = screened(tone.expand(channels, 96, 96).clone(), torch.Generator().manual_seed(seed))
        kinds.add(done.parameters["screen"])
        if done.parameters["screen"] != "ordered 2":  # whose four thresholds know no more than five tones
            assert (done.y - done.x).mean((1, 2)).abs().max() < 0.04
        assert done.y.std() > 3 * done.x[:1].std()
    assert len(kinds) > 8


def test_error_diffusion_is_that_of_the_books_and_kept_is_the_goal():
    tones = np.full((1, 2, 2), 0.6, np.float32)

    class Upright:
        def integers(self, low, high, size):
            return 0, 0

        def uniform(self, low, high, shape):
            return np.zeros(shape)

    # 0.6 is on and passes on -0.4: 7/16 to the right, 5/16 below, 1/16 beyond; and so on
    assert diffused(Upright(), tones, DIFFUSIONS["floyd-steinberg"]).tolist() == [[[1, 0], [1, 1]]]
    kept = Kept(GaussianNoise((25, 25)))(picture(), torch.Generator().manual_seed(0))
    assert torch.equal(kept.x, kept.y)


@pytest.mark.parametrize(
    ("length", "angle", "bent"), [(3.0, 0.0, 0.0), (9.5, 0.7, 0.0), (15.0, 2.9, 1.0), (15.0, 1.2, -1.0)]
)
def test_a_moved_point_keeps_its_light_and_its_place_and_is_as_long_as_it_moved(length, angle, bent):
    kernel = motion_kernel(length, angle, bent).double()
    places = torch.arange(len(kernel)) - len(kernel) // 2
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-6)
    assert float((kernel.sum(1) * places).sum()) == pytest.approx(0, abs=0.02)
    assert float((kernel.sum(0) * places).sum()) == pytest.approx(0, abs=0.02)
    # A straight path of even speed spreads by its length squared over 12, and pixels add up to 1/6 each way.
    variance = float((kernel * (places[:, None] ** 2 + places**2)).sum())
    straight = length**2 / 12
    if bent:
        assert 0.5 * straight < variance < straight
        return
    assert 0.97 * straight < variance < 1.03 * straight + 1 / 3
    covariance = float((kernel * places[:, None] * places).sum())
    assert covariance / variance == pytest.approx(np.sin(2 * angle) / 2, abs=0.03)  # as the heading says


def test_a_point_out_of_focus_is_a_round_disc_of_its_radius():
    kernel = disc_kernel(4.0)
    assert torch.equal(kernel, kernel.T)
    assert torch.equal(kernel, kernel.flip(0))
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-6)
    middle = kernel[len(kernel) // 2]
    assert int((middle > 0.4 * middle.max()).sum()) == 9
    assert 1 / float(kernel.max()) == pytest.approx(np.pi * 16, rel=0.05)  # as many pixels share the light


def test_blur_is_a_convolution_that_leaves_plain_surfaces_alone():
    point = torch.zeros(3, 31, 31)
    point[:, 15, 15] = 1
    kernel = motion_kernel(7.0, 0.4, 0.5)
    reach = len(kernel) // 2
    torch.testing.assert_close(spread(point, kernel)[0, 15 - reach : 16 + reach, 15 - reach : 16 + reach], kernel)
    plain = torch.full((3, 5, 6), 0.3)
    for blur in (MotionBlur((15, 15)), Defocus((3, 3))):
        torch.testing.assert_close(blur(plain, torch.Generator().manual_seed(0)).y, plain)


def test_sharpening_moves_pixels_from_their_surroundings_in_the_clean_picture():
    x = picture()
    for damage in (GaussianNoise((0, 0)), GaussianNoise((20, 20))):
        done = Sharpened(damage)(x, torch.Generator().manual_seed(2))
        assert done.x.std() > 1.1 * x.std()
        torch.testing.assert_close(255 * done.x, (255 * done.x).round(), atol=1e-3, rtol=0)
        assert float((done.y - done.x).std()) == pytest.approx(float(done.level.mean()), rel=0.05)
    plain = torch.full((3, 16, 16), 51 / 255)
    torch.testing.assert_close(Sharpened(GaussianNoise((0, 0)))(plain, torch.Generator()).y, plain)


def test_grain_sharpened_with_the_picture_has_the_level_that_it_grows_to():
    x = picture(64, 96) * 0.3 + 0.3
    done = Sharpened(CorrelatedNoise((10, 10)), after=True)(x, torch.Generator().manual_seed(4))
    alone = Sharpened(GaussianNoise((0, 0)), after=True)(x, torch.Generator().manual_seed(4))
    assert float((done.y - done.x).std()) == pytest.approx(float(done.level.mean()), rel=0.05)
    assert float(done.level.mean()) > 1.2 * 10 / 255
    torch.testing.assert_close(alone.y, alone.x)
    assert alone.level.max() == 0


@pytest.mark.parametrize("way", DEMOSAICING)
@pytest.mark.parametrize("phase", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_demosaiced_picture_has_what_was_measured_and_goes_on_smoothly(way, phase):
    rows, columns = torch.meshgrid(torch.arange(24.0), torch.arange(20.0), indexing="ij")
    ramp = torch.stack([0.2 + 0.01 * rows, 0.3 + 0.01 * columns, 0.5 - 0.01 * rows + 0.005 * columns])
    masks = bayer(24, 20, phase)
    assert torch.equal(masks.sum(0), torch.ones(24, 20))
    assert masks[1].sum() == 2 * masks[0].sum() == 2 * masks[2].sum()
    found = DEMOSAICING[way]((ramp * masks).sum(0)[None, None], masks)[0]
    torch.testing.assert_close(found[:, 4:-4, 4:-4], ramp[:, 4:-4, 4:-4], atol=0.011, rtol=0)
    grey = torch.rand(1, 1, 24, 20, generator=torch.Generator().manual_seed(0))
    if way != "smooth":
        kept = DEMOSAICING[way](grey, masks)[0] * masks
        torch.testing.assert_close(kept.sum(0), grey[0, 0])


def test_a_camera_without_noise_gives_the_goal_and_one_with_noise_its_level():
    x = picture(96, 112)
    quiet = Camera((1e-12, 1e-12), compressed=0.0)
    noisy = Camera((4e-3, 4e-3), compressed=0.0)
    for seed in range(12):
        found = quiet(x, torch.Generator().manual_seed(seed))
        assert (found.y - found.x).abs().mean() < 2 / 255  # what sites differ in, and rounding
        found = noisy(x, torch.Generator().manual_seed(seed))
        measured = (found.y - found.x).square().mean().sqrt()
        stated = found.level.square().mean().sqrt()
        torch.testing.assert_close(measured, stated, rtol=0.05, atol=0.3 / 255)
        assert found.x.min() >= 0
        assert found.x.max() <= 1


def test_a_lens_softens_the_goal_and_is_stated():
    def edges(x):
        return float((x[..., 1:] - x[..., :-1]).abs().mean())

    x = picture(96, 112)
    sharp, soft = (
        Camera(bayer_share=0.0, lens=lens, softness=(0.9, 0.9), reduced=0.0)(x, torch.Generator().manual_seed(1))
        for lens in (0.0, 1.0)
    )
    assert soft.parameters["lens"] == pytest.approx(0.9)
    assert "lens" not in sharp.parameters
    assert edges(soft.x) < 0.7 * edges(sharp.x)


def test_the_noise_of_a_camera_has_neighbours_alike_most_of_all_in_colour():
    def alike(n):
        return float((n[..., 1:] * n[..., :-1]).mean() / n.square().mean())

    lumas, colours = [], []
    for seed in range(40):
        found = Camera((4e-3, 4e-3))(torch.full((3, 96, 96), 0.4), torch.Generator().manual_seed(seed))
        noise = found.y - found.x - (found.y - found.x).mean((1, 2), keepdim=True)
        luma = (noise * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0)
        lumas.append(alike(luma))
        colours.append(alike(noise[0] - luma))
    assert np.median(lumas) > 0.2
    assert np.median(colours) > 0.5


def test_film_grain_is_strongest_in_the_middle_tones_and_at_its_level():
    ramp = torch.linspace(0, 1, 256).expand(3, 128, 256).contiguous() * 0.8 + 0.1
    found = FilmGrain((10, 10), quality=(98, 98))(ramp, torch.Generator().manual_seed(0))
    noise = found.y - found.x
    assert noise[:, :, 112:144].std() > 1.2 * noise[:, :, :16].std()
    assert float(noise.std()) == pytest.approx(float(found.level.square().mean().sqrt()), rel=0.15)


def test_patterns_are_pictures_and_colours_change_but_stay_in_range():
    x, nothing = picture(64, 48), GaussianNoise((0, 0))
    names = set()
    for seed in range(60):
        found = Patterned(nothing)(x, torch.Generator().manual_seed(seed))
        names.add(found.parameters["pattern"])
        assert torch.equal(found.x, found.y)
        assert 0 <= found.x.min() <= found.x.max() <= 1
        other = Coloured(nothing, share=1.0)(x, torch.Generator().manual_seed(seed))
        assert 0 <= other.x.min() <= other.x.max() <= 1
        assert not torch.equal(other.x, x)
    assert names == set(PATTERNS)


@pytest.mark.parametrize("size", [(64, 48), (33, 30)])
def test_enlarged_patterns_are_made_of_blocks(size):
    x = torch.zeros(3, *size)
    for seed in range(20):
        found = Patterned(GaussianNoise((0, 0)), enlarged=4)(x, torch.Generator().manual_seed(seed))
        assert found.x.shape == x.shape
        changes = (found.x.diff(dim=2).abs().amax((0, 1)) > 0).nonzero()[:, 0] + 1
        inside = changes[changes % 4 != 0]  # the two ends of the part that is a pattern, elsewhere a photograph
        assert len(inside) <= 2
