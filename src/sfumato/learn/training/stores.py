"""The decoded pictures of a run: those to train on, and those held out."""

from collections.abc import Iterable

from ..data.folders import list_pictures
from ..data.patches import PictureStore
from .config import TrainConfig
from .listeners import Listener
from .objectives import Objective


def stores(
    config: TrainConfig, objective: Objective, listeners: Iterable[Listener] = ()
) -> tuple[PictureStore, PictureStore | None]:
    """The pictures to train on and those held out: `config.val`, or a share of `config.data`.

    The share is a twentieth; a fifth for a network that draws pictures, as long as there are few of them.
    """

    def told(done: int, total: int) -> None:
        for listener in listeners:
            listener.decoded(done, total)

    def built(source: str) -> PictureStore:
        listing = list_pictures(source)
        return PictureStore.build(listing, channels=objective.channels, size=objective.fit, progress=told)

    store = built(config.data)
    if config.val:
        held_out = built(config.val)
        return store, held_out.sample(objective.held_out) if objective.fit else held_out
    return store.split(0.2 if objective.fit and len(store) < 500 else 0.05, at_most=objective.held_out)
