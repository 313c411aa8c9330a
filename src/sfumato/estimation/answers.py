"""Questions about a picture, put to a model file that was trained to answer them (`sfumato train answers`)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..conditions.text import plain_text, read_text, words_of
from ..errors import ModelError, UsageError
from ..models.card import Card
from ..models.engine import Engine, load
from ..models.ports import port_of, run_by_kind
from ..pictures.channels import resize_and_center_crop, with_channels
from ..pictures.picture import Picture
from ..pictures.pixels import finite


@dataclass(frozen=True)
class Answer:
    """The likeliest answer to a question, and how likely the model finds each, the likeliest first.

    notes: sentences on what was changed of picture and question, and on words that the model was not trained with.
    """

    question: str
    answer: str
    probabilities: dict[str, float]
    notes: tuple[str, ...] = ()


def ask(
    model: str | Path | Engine,
    picture: str | Path | bytes | Picture,
    question: str,
    *,
    device: str = "auto",
    threads: int | None = None,
) -> Answer:
    """What a model of `sfumato train answers` answers to a question about a picture (a file, its bytes or a Picture).

    It chooses among the answers that it was trained on, whatever is asked. The picture is scaled and cropped to the
    model's size, transparency laid on white.

    Raises ModelError for a model that answers no questions, UsageError for an empty question, PictureError for what is
    no picture.
    """
    engine = model if isinstance(model, Engine) else load(model, threads=threads, device=device)
    card = engine.card
    text = port_of(card, "text")
    if not answers_questions(card) or text is None:
        raise ModelError(
            f"{card.name!r} (task {card.task!r}) answers no questions; `sfumato train answers` makes a model that does."
        )
    if not plain_text(question):
        raise UsageError("The question is empty; ask something, in words.")
    read = read_text(question, text.channels)
    source = picture if isinstance(picture, Picture) else Picture.open(picture)
    planes, notes = _seen(card, source)
    found = run_by_kind(engine, {"picture": planes[None], "text": read.values[None]})[0]
    order = np.argsort(-found, kind="stable")
    probabilities = {card.classes[i]: float(found[i]) for i in order}
    return Answer(question, next(iter(probabilities)), probabilities, (*notes, *read.notes, *_unknown(card, question)))


def answers_questions(card: Card) -> bool:
    """Whether the model chooses an answer to a question about a picture."""
    kinds = sorted(port.kind for port in card.inputs)
    return kinds == ["picture", "text"] and card.outputs[0].kind == "class" and len(card.classes) > 1


def _seen(card: Card, picture: Picture) -> tuple[NDArray[np.floating], tuple[str, ...]]:
    """Planes `c h w` as the model takes them, and a sentence where shape or transparency are not its own."""
    colour = with_channels(finite(picture.array()), picture.alpha(), card.picture_channels or 3)
    size, changes = card.size or (picture.height, picture.width), []
    if picture.height * size[1] != picture.width * size[0]:
        changes.append("cropped to its middle")
    if picture.has_alpha:
        changes.append("laid on white")
    notes = (f"The picture was {' and '.join(changes)}.",) if changes else ()
    return resize_and_center_crop(colour, size).clip(0, 1).transpose(2, 0, 1), notes


def _unknown(card: Card, question: str) -> tuple[str, ...]:
    """A sentence on words that no question of the training had; () where the file does not list those that did."""
    known = card.config.get("words") or ()
    new = [word for word in words_of(plain_text(question)) if word not in known] if known else []
    if not new:
        return ()
    said = ", ".join(repr(word) for word in dict.fromkeys(new))
    return (f"No question of the training had {said}: the answer is a guess.",)
