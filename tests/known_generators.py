"""Small generators, built with `onnx.helper`, whose pictures can be computed by hand: one for each way of drawing."""

import numpy as np
from model_files import Graph, build, make_card

from sfumato.models.card import Card, Entry, Input, Output

CLASSES = ("rose", "tulip", "fern")
MEANS = (0.2, -0.1, 0.5)  # of the flow's classes, in [-1, 1]
MEAN, DEVIATION = 0.1, 0.3  # of the flow's pixels where no class is asked for
SIZE = (8, 12)
LATENT = 5


def generator_card(name: str, family: str, **values: object) -> Card:
    """A card of a generator of SIZE; `values` are further keys of it."""
    defaults = {"task": "generate", "family": family, "size": SIZE, "fixed_size": True, "max_pixels": 4_096}
    return make_card(name, halo=None, **(defaults | values))


def _projection(channels: int) -> np.ndarray:
    """From latents to pixels: each number moves some of them, and none moves them out of [0, 1] by much."""
    return np.random.default_rng(1).normal(0, 0.05, (LATENT, channels * SIZE[0] * SIZE[1]))


def gan(channels: int = 4) -> bytes:
    """x = 1/2 + z W, a tenth more for the first class, a tenth less for the last; with alpha unless told otherwise."""
    shade = np.array([[0.1], [0.0], [-0.1]]) * np.ones((3, channels * SIZE[0] * SIZE[1]))

    def fill(graph: Graph) -> str:
        x = graph.dense("z", _projection(channels), np.float32([0.5]))
        return graph.shaped(graph.node("Add", x, graph.dense("label", shade)), channels, *SIZE)

    card = generator_card(
        "flowers-gan",
        "gan",
        inputs=(Input("z", "latent", LATENT), Input("label", "class", 3)),
        outputs=(Output("x", channels=channels),),
        entries={"sample": Entry(("z", "label"), ("x",))},
        classes=CLASSES,
    )
    return build(fill, card)


def vae() -> bytes:
    """Grey: x_hat = 1/2 + z W, and z is what pseudo-inverts that; a class makes it lighter. Decoding draws."""
    weight = _projection(1)

    def fill(graph: Graph) -> tuple[str, ...]:
        flat = graph.node("Sub", graph.shaped("x", SIZE[0] * SIZE[1]), graph.constant(np.float32([0.5])))
        z = graph.dense(flat, np.linalg.pinv(weight))
        decoded = graph.dense("z_in", weight, np.float32([0.5]))
        lighter = graph.dense("label", np.full((3, 1), 0.1))
        x_hat = graph.shaped(graph.node("Add", decoded, lighter), 1, *SIZE)
        return z, graph.node("Mul", z, graph.constant(np.float32([0.0]))), x_hat

    card = generator_card(
        "flowers-vae",
        "vae",
        inputs=(Input("x", channels=1), Input("z_in", "latent", LATENT), Input("label", "class", 3)),
        outputs=(Output("z", "latent", LATENT), Output("log_variance", "latent", LATENT), Output("x_hat", channels=1)),
        entries={"encode": Entry(("x",), ("z", "log_variance")), "decode": Entry(("z_in", "label"), ("x_hat",))},
        classes=CLASSES,
    )
    return build(fill, card)


def autoencoder(**values: object) -> bytes:
    """Like the VAE, in colour and without classes, its codes far from standard normal: 3 + 2 z0 are drawn."""
    weight = _projection(3) / 5

    def decoded(graph: Graph, z: str) -> str:
        return graph.shaped(graph.dense(z, weight, np.float32([0.5])), 3, *SIZE)

    def fill(graph: Graph) -> tuple[str, ...]:
        flat = graph.node("Sub", graph.shaped("x", 3 * SIZE[0] * SIZE[1]), graph.constant(np.float32([0.5])))
        code = graph.node(
            "Add", graph.node("Mul", "z0", graph.constant(np.float32([2]))), graph.constant(np.float32([3]))
        )
        return graph.dense(flat, np.linalg.pinv(weight)), decoded(graph, "z_in"), decoded(graph, code)

    card = generator_card(
        "flowers-autoencoder",
        "autoencoder",
        inputs=(Input("x"), Input("z_in", "latent", LATENT), Input("z0", "latent", LATENT)),
        outputs=(Output("z", "latent", LATENT), Output("x_hat"), Output("x_sample")),
        entries={
            "encode": Entry(("x",), ("z",)),
            "decode": Entry(("z_in",), ("x_hat",)),
            "sample": Entry(("z0",), ("x_sample",)),
        },
        **values,
    )
    return build(fill, card)


def flow(
    channels: int = 3,
    *,
    classes: tuple[str, ...] = CLASSES,
    sound_values: int = 0,
    text_values: int = 0,
    outlined: bool = False,
    **values: object,
) -> bytes:
    """The exact velocity for pictures whose pixels are independent and normal, with the class's mean.

    sound_values: of a sound that is taken beside the class, whose mean is added to that of the pictures; 0 for none.
    text_values: the same of a text, of whose bytes a hundredth of the mean is added. outlined: it takes an outline,
    and half is added where that is covered.

    x_t has the variance (1 - t)^2 + (t s)^2 about t m, so that E[data - noise | x_t] = m + (t s^2 - (1 - t)) /
    variance * (x_t - t m). Its samples are m + s noise, and as a denoiser it is the Wiener filter.
    """

    def fill(graph: Graph) -> str:
        def constant(value: float) -> str:
            return graph.constant(np.float32([value]))

        mean = constant(MEAN)
        if classes:
            offsets = np.array(MEANS[: len(classes)])[:, None] - MEAN
            mean = graph.shaped(graph.dense("label", offsets, np.float32([MEAN])), 1, 1, 1)
        if sound_values:
            heard = graph.dense("sound", np.full((sound_values, 1), 1 / sound_values))
            mean = graph.node("Add", mean, graph.shaped(heard, 1, 1, 1))
        if text_values:
            said = graph.dense("text", np.full((text_values, 1), 0.01 / text_values))
            mean = graph.node("Add", mean, graph.shaped(said, 1, 1, 1))
        if outlined:
            half = graph.constant(np.float32([[[[0.5]], [[0]]]]))
            mean = graph.node("Add", mean, graph.node("Conv", "silhouette", half))
        t = graph.shaped("t", 1, 1, 1)
        left = graph.node("Sub", constant(1), t)
        own = graph.node("Mul", t, constant(DEVIATION**2))
        variance = graph.node("Add", graph.node("Mul", left, left), graph.node("Mul", own, t))
        slope = graph.node("Div", graph.node("Sub", own, left), variance)
        away = graph.node("Sub", "x", graph.node("Mul", t, mean))
        return graph.node("Add", mean, graph.node("Mul", slope, away))

    label = (Input("label", "class", len(classes)),) if classes else ()
    label += _conditions(sound_values, text_values, outlined)
    card = generator_card(
        "flowers-flow",
        "flow",
        **{
            "inputs": (Input("x", channels=channels, range=(-1.0, 1.0)), Input("t", "time", 1), *label),
            "outputs": (Output("v", channels=channels),),
            "entries": {"velocity": Entry(("x", "t", *(port.name for port in label)), ("v",))},
            "classes": classes,
            "fixed_size": False,
            "stride": 4,
            "sampling": {"steps": 20, "solver": "heun", "guidance": 1.0},
        }
        | values,
    )
    return build(fill, card)


def latent_flow(*, sound_values: int = 0, text_values: int = 0, outlined: bool = False) -> bytes:
    """A flow of codes: encoder and decoder of the grey VAE, and the exact velocity of codes that are DEVIATION times
    standard normal, about a mean that the class moves. Its codes are classes' means + DEVIATION noise.

    sound_values, text_values, outlined: as in `flow`; what is said is added to each number of the codes' mean.
    """
    weight = _projection(1)
    offsets = np.array(MEANS)[:, None] * np.ones((1, LATENT))

    def fill(graph: Graph) -> tuple[str, ...]:
        def constant(value: float) -> str:
            return graph.constant(np.float32([value]))

        flat = graph.node("Sub", graph.shaped("x", SIZE[0] * SIZE[1]), constant(0.5))
        z = graph.dense(flat, np.linalg.pinv(weight))
        x_hat = graph.shaped(graph.dense("z_in", weight, np.float32([0.5])), 1, *SIZE)
        mean = graph.dense("label", offsets)
        said = {"sound": sound_values, "text": text_values}
        if outlined:
            said[graph.shaped(graph.node("GlobalAveragePool", "silhouette"), 2)] = 2
        for values, count in said.items():
            if count:
                mean = graph.node("Add", mean, graph.dense(values, np.full((count, LATENT), 1 / count)))
        left = graph.node("Sub", constant(1), "t")
        own = graph.node("Mul", "t", constant(DEVIATION**2))
        variance = graph.node("Add", graph.node("Mul", left, left), graph.node("Mul", own, "t"))
        slope = graph.node("Div", graph.node("Sub", own, left), variance)
        away = graph.node("Sub", "z_t", graph.node("Mul", "t", mean))
        return z, x_hat, graph.node("Add", mean, graph.node("Mul", slope, away))

    codes = tuple(Input(name, "latent", LATENT) for name in ("z_in", "z_t"))
    knows = _conditions(sound_values, text_values, outlined)
    card = generator_card(
        "flowers-latent-flow",
        "latent-flow",
        inputs=(Input("x", channels=1), *codes, Input("t", "time", 1), Input("label", "class", 3), *knows),
        outputs=(Output("z", "latent", LATENT), Output("x_hat", channels=1), Output("v", "latent", LATENT)),
        entries={
            "encode": Entry(("x",), ("z",)),
            "decode": Entry(("z_in",), ("x_hat",)),
            "velocity": Entry(("z_t", "t", "label", *(port.name for port in knows)), ("v",)),
        },
        classes=CLASSES,
        sampling={"steps": 20, "solver": "heun", "guidance": 1.0},
    )
    return build(fill, card)


def _conditions(sound_values: int, text_values: int, outlined: bool) -> tuple[Input, ...]:
    ports = (Input("sound", "audio", sound_values),) if sound_values else ()
    ports += (Input("text", "text", text_values),) if text_values else ()
    return ports + ((Input("silhouette", "silhouette", 2),) if outlined else ())


def classifier() -> bytes:
    """The mean of each channel as the probability of a class: it draws and restores nothing."""

    def fill(graph: Graph) -> str:
        return graph.shaped(graph.node("GlobalAveragePool", "x"), 3)

    card = generator_card(
        "flowers-classifier",
        "classifier",
        task="classify",
        inputs=(Input("x"),),
        outputs=(Output("probability", "class", 3),),
        classes=CLASSES,
    )
    return build(fill, card)


DRAWING = {make.__name__: make for make in (gan, vae, autoencoder, flow, latent_flow)}
