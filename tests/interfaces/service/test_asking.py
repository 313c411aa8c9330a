"""Questions over HTTP have the answers that the command line and Python give."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Run
from model_files import answerer
from services import ended, picture_bytes, service
from starlette.testclient import TestClient

import sfumato

QUESTIONS = ("Is it bright?", "is the sky  DARK?")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    models = tmp_path_factory.mktemp("models")
    (models / "bright.onnx").write_bytes(answerer())
    with service(tmp_path_factory.mktemp("work"), models=models, max_num=4) as client:
        yield client


def test_a_folder_of_models_may_be_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()
    Path("models", "bright.onnx").write_bytes(answerer())
    with service(tmp_path / "work", models=Path("models")) as client:
        form = {"model": "bright", "question": QUESTIONS[0]}
        assert client.post("/v1/ask", data=form, files={"picture": picture_bytes()}).status_code == 200


def test_all_doors_answer_alike(client: TestClient, run: Run, tmp_path: Path) -> None:
    model, picture = tmp_path / "bright.onnx", tmp_path / "in.png"
    model.write_bytes(answerer())
    picture.write_bytes(picture_bytes())
    form = {"model": "bright", "question": list(QUESTIONS)}
    answer = client.post("/v1/ask", data=form, files={"picture": picture.read_bytes()})
    assert answer.status_code == 200, answer.text
    assert answer.json()["model"] == "bright"
    lines = run("ask", str(model), str(picture), *QUESTIONS).out.splitlines()
    for question, found, line in zip(QUESTIONS, answer.json()["answers"], lines, strict=False):
        wanted = sfumato.ask(model, picture, question)
        assert (found["question"], found["answer"], tuple(found["notes"])) == (question, wanted.answer, wanted.notes)
        assert list(found["probabilities"]) == list(wanted.probabilities)
        assert found["probabilities"] == pytest.approx(wanted.probabilities, abs=1e-6)
        assert line.startswith(f"{question} {found['answer']}  (")
    resized, note = answer.json()["answers"][1]["notes"]
    assert resized.startswith("The picture was")
    assert note == "No question of the training had 'the', 'sky': the answer is a guess."


def test_an_uploaded_picture_and_a_part_of_it_are_asked_about(client: TestClient) -> None:
    id = client.post("/v1/pictures", files={"picture": picture_bytes(noise=0)}).json()["id"]
    form = {"model": "bright", "question": QUESTIONS[0], "picture_id": id}
    shares = []
    for crop in ("0,0,20,40", "36,0,20,40"):
        (found,) = client.post("/v1/ask", data=form | {"crop": crop}).json()["answers"]
        shares.append(found["probabilities"]["yes"])
    assert shares[0] < shares[1]
    job = client.post("/v1/ask", data=form, headers={"Prefer": "respond-async"})
    assert job.status_code == 202
    (item,) = ended(client, job.json()["id"])["items"]
    assert item["report"]["answers"] == client.post("/v1/ask", data=form).json()["answers"]


def test_models_say_that_they_can_be_asked(client: TestClient) -> None:
    uses = {model["name"]: model["uses"] for model in client.get("/v1/models").json()["models"]}
    assert uses["bright"] == ["ask"]
    assert all("ask" not in found for name, found in uses.items() if name != "bright")


@pytest.mark.parametrize(
    ("form", "option", "sentence"),
    [
        ({"question": " \n"}, None, "The question is empty"),
        ({"question": "is it?", "model": "denoise-fast"}, "model", "denoise-fast answers no questions; GET /v1/models"),
        ({"question": "is it?", "model": "brihgt"}, "model", "did you mean 'bright'?"),
        ({"question": ["is it?"] * 5}, "question", "was sent 5 times; at most 4"),
        ({}, "question", "question"),
        ({"questions": "is it?", "question": "is it?"}, None, "did you mean question?"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(
    client: TestClient, form: dict[str, object], option: str | None, sentence: str
) -> None:
    answer = client.post("/v1/ask", data={"model": "bright"} | form, files={"picture": picture_bytes()})
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert answer.json().get("option") == option
    assert "is missing" in client.post("/v1/ask", data={"model": "bright", "question": "is it?"}).json()["detail"]
