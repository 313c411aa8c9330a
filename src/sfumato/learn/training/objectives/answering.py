"""Answers to questions about pictures, several of each."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from sfumato.conditions.text import plain_text, stored_text, text_values, words_of
from sfumato.errors import TrainingError, UsageError

from ...catalog import create
from ...data.fitted import picture, pictures
from ...data.folders import Listing, list_pictures, plain_name
from ...data.seeds import sample_seed
from ...data.store import PictureStore
from ..config import TrainConfig
from .objective import Objective, Validation

KEY = "questions"  # in metadata.jsonl, unless the config names another: an object of questions and their answers
ASKED = 16  # questions of a picture at once
MAX_WORDS = 500  # a model file lists the words of its questions where they are no more


def questions_of(listing: Listing, key: str = "") -> dict[str, dict[str, str]]:
    """Questions and answers of the pictures, by their plain names.

    Raises TrainingError where a picture has none, or something else stands there.
    """
    key, rows, found = key or KEY, listing.metadata(), {}
    for name in map(plain_name, listing.names):
        asked = rows.get(name, {}).get(key)
        if not isinstance(asked, dict) or not asked:
            raise TrainingError(
                f"{listing.source}: {name} has no {key!r} in a metadata.jsonl: an object of questions and answers, "
                'such as {"what shape is red?": "circle"}.'
            )
        found[name] = {plain_text(question): plain_text(str(answer)) for question, answer in asked.items()}
    return found


def words_in(asked: Iterable[dict[str, str]]) -> list[str]:
    """The words of all questions, sorted; none where they are more than MAX_WORDS."""
    words = sorted({word for questions in asked for question in questions for word in words_of(question)})
    return words if len(words) <= MAX_WORDS else []


class QuestionedPictures(Dataset):
    """Sample `index` of a run: x `c h w`, and some of its questions: text `q l`, and answers `q`, their numbers.

    The same (seed, index) gives the same sample.
    """

    def __init__(self, store: PictureStore, texts: list[Tensor], answers: list[Tensor], *, seed: int) -> None:
        self.store, self.texts, self.answers, self.seed = store, texts, answers, seed

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(sample_seed(self.seed, f"asked {index}"))
        number = int(torch.randint(len(self.store), (1,), generator=generator))
        chosen = torch.randint(len(self.texts[number]), (ASKED,), generator=generator)
        return {
            "x": picture(self.store, number),
            "text": self.texts[number][chosen].float(),
            "answers": self.answers[number][chosen],
        }


class Answering(Objective):
    """Cross-entropy over the answers."""

    exported = "answerer"
    held_out = 300

    def __init__(self, config: TrainConfig) -> None:
        self.config, self.network = config, create(config.family, config.model)
        self.networks = {self.exported: self.network}
        self.channels, self.fit = self.network.config.channels, tuple(self.network.config.size)
        self.classes = self.network.classes
        if len(self.classes) < 2:
            raise UsageError(f"{config.name}: {len(self.classes)} different answers are there; two are needed.")
        sources = [source for source in (config.data, config.val) if source]
        found = [questions_of(list_pictures(source), config.caption) for source in sources]
        self.questions = {name: asked for questions in found for name, asked in questions.items()}

    def asked(self, store: PictureStore) -> tuple[list[Tensor], list[Tensor]]:
        """Of each picture the questions, bytes `q l`, and the numbers of the answers, `q`."""
        known: dict[str, Tensor] = {}
        numbers = {answer: i for i, answer in enumerate(self.classes)}
        texts, answers = [], []
        for name in store.names:
            asked = self.questions[plain_name(name)]
            for question in asked:
                if question not in known:
                    known[question] = torch.from_numpy(text_values(stored_text(question))).byte()
            texts.append(torch.stack([known[question] for question in asked]))
            answers.append(torch.tensor([numbers[answer] for answer in asked.values()]))
        return texts, answers

    def dataset(self, store: PictureStore) -> Dataset:
        return QuestionedPictures(store, *self.asked(store), seed=self.config.seed)

    def losses(self, player: str, networks: dict[str, nn.Module], batch: dict[str, Tensor]) -> dict[str, Tensor]:
        longest = int((batch["text"] > 0).sum(2).max())
        text = batch["text"][..., : -(-longest // 16) * 16]  # no need to read what is empty in all
        logits = networks[player].logits(batch["x"], text)  # type: ignore[operator]
        return {"cross_entropy": F.cross_entropy(logits.flatten(0, 1), batch["answers"].flatten())}

    @torch.no_grad()
    def validate(self, network: nn.Module, held_out: PictureStore, *, seen: bool = False) -> Validation:
        device = next(network.parameters()).device
        texts, answers = self.asked(held_out)
        right, losses = [], []
        for number in range(len(held_out)):
            x, text = picture(held_out, number)[None].to(device), texts[number][None].float().to(device)
            logits = network.logits(x, text)[0].cpu()  # type: ignore[operator]
            right.append((logits.argmax(1) == answers[number]).float())
            losses.append(F.cross_entropy(logits, answers[number]))
        accuracy, loss = float(torch.cat(right).mean()), float(torch.stack(losses).mean())
        return Validation({"accuracy": accuracy}, accuracy - 1e-3 * loss, pictures(held_out.sample(20))[None])
