"""Generating over HTTP gives the command line's bytes."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import known_generators
import numpy as np
import pytest
from command_line import Run
from services import ended, picture_bytes, service
from sound_files import glide, write_sound
from starlette.testclient import TestClient

import sfumato
from sfumato import Picture, load
from sfumato.conditions.audio import NUM_VALUES

KNOWING = {"sound_values": NUM_VALUES, "text_values": 30, "outlined": True}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    models = tmp_path_factory.mktemp("models")
    (models / "faces.onnx").write_bytes(known_generators.autoencoder())
    (models / "flowers.onnx").write_bytes(known_generators.flow())
    (models / "hearing.onnx").write_bytes(known_generators.flow(sound_values=NUM_VALUES))
    (models / "knowing.onnx").write_bytes(known_generators.flow(**KNOWING))
    (models / "varying.onnx").write_bytes(known_generators.latent_flow(**KNOWING))
    (models / "broken.onnx").write_bytes(b"nothing")
    with service(tmp_path_factory.mktemp("work"), models=models, max_num=99) as client:
        yield client


def test_sheets_and_files_are_those_of_the_command_line(client: TestClient, run: Run, tmp_path: Path) -> None:
    form = {"model": "mnist-gan", "num": "6", "seed": "3", "class": "mix"}
    answer = client.post("/v1/generate", data=form)
    command = ("generate", "mnist-gan", "-n", "6", "--seed", "3", "--class", "mix", "-o")
    assert run(*command, tmp_path / "sheet.png").status == 0
    assert answer.content == (tmp_path / "sheet.png").read_bytes()
    assert json.loads(answer.headers["sfumato-report"])["made_up"] is True
    assert run(*command, tmp_path / "files").status == 0
    with zipfile.ZipFile(io.BytesIO(client.post("/v1/generate", data=form | {"output": "zip"}).content)) as archive:
        made = {name: archive.read(name) for name in archive.namelist()}
    assert made == {path.name: path.read_bytes() for path in (tmp_path / "files").glob("*.png")}
    job = client.post("/v1/generate", data=form, headers={"Prefer": "respond-async"}).json()["id"]
    item = ended(client, job)["items"][0]
    assert [client.get(link).content for link in item["parts"]] == [made[name] for name in sorted(made)]


def test_a_sound_that_is_sent_along_is_drawn(client: TestClient, run: Run, tmp_path: Path) -> None:
    (tmp_path / "hearing.onnx").write_bytes(known_generators.flow(sound_values=NUM_VALUES))
    sound = write_sound(tmp_path / "said.ogg", glide())
    command = ("generate", tmp_path / "hearing.onnx", "-n", "2", "--audio", sound, "-o", tmp_path / "heard.png")
    assert run(*map(str, command)).status == 0
    upload = {"audio": ("said.ogg", sound.read_bytes())}
    answer = client.post("/v1/generate", data={"model": "hearing", "num": "2"}, files=upload)
    assert answer.content == (tmp_path / "heard.png").read_bytes()
    for model, contents, kind, sentence in (
        ("hearing", b"no sound", "audio", "The recording cannot be read as sound"),
        ("flowers", sound.read_bytes(), "option", "audio is a recording; 'flowers-flow' was trained without any"),
    ):
        answer = client.post("/v1/generate", data={"model": model}, files={"audio": ("said.ogg", contents)})
        assert answer.status_code == 422
        assert answer.json()["type"] == kind
        assert sentence in answer.json()["detail"]


def test_words_and_an_outline_go_with_a_sound(client: TestClient, run: Run, tmp_path: Path) -> None:
    (tmp_path / "knowing.onnx").write_bytes(known_generators.flow(**KNOWING))
    sound, outline = write_sound(tmp_path / "said.ogg", glide()), tmp_path / "shape.png"
    alpha = np.tile(np.float32([1, 0]), (8, 6))
    Picture.from_array(np.zeros((8, 12, 3), np.float32), alpha=alpha, depth=8).save(outline)
    command = (
        "generate",
        tmp_path / "knowing.onnx",
        "-n",
        "2",
        "--text",
        "red",
        "--layout",
        outline,
        "--class",
        "fern",
    )
    assert run(*map(str, (*command, "--audio", sound, "-o", tmp_path / "made.png"))).status == 0
    files = {"audio": ("said.ogg", sound.read_bytes()), "layout": ("shape.png", outline.read_bytes())}
    form = {"model": "knowing", "num": "2", "text": "red", "class": "fern"}
    answer = client.post("/v1/generate", data=form, files=files)
    assert answer.content == (tmp_path / "made.png").read_bytes()
    models = {model["name"]: model for model in client.get("/v1/models").json()["models"]}
    assert models["knowing"]["conditions"] == ["audio", "class", "silhouette", "text"]
    broken = client.post("/v1/generate", data={"model": "knowing"}, files={"layout": ("shape.png", b"none")})
    assert (broken.status_code, broken.json()["type"]) == (422, "picture")


def test_a_label_map_that_is_sent_along_is_painted(client: TestClient, run: Run, tmp_path: Path) -> None:
    labels = np.full((128, 128, 3), (0, 0, 1), np.float32)
    labels[40:80, 40:80] = (0, 85 / 255, 1)
    source = Picture.from_array(labels).save(tmp_path / "house.png")
    command = ("generate", "facades", "-n", "1", "--layout", source, "-o", tmp_path / "painted.png")
    assert run(*map(str, command)).status == 0
    upload = {"layout": ("house.png", source.read_bytes())}
    answer = client.post("/v1/generate", data={"model": "facades", "num": "1"}, files=upload)
    assert answer.content == (tmp_path / "painted.png").read_bytes()
    answer = client.post("/v1/generate", data={"model": "facades", "num": "1"})
    assert answer.status_code == 422
    assert "layout is missing" in answer.json()["detail"]


def test_ways_variations_and_reconstructions(client: TestClient, run: Run, tmp_path: Path) -> None:
    for form, arguments in (
        ({"a": "1", "b": "2:3", "num": "4"}, ("interpolate", "MODEL", "1", "2:3", "-n", "4")),
        (
            {"num": "3", "amount": "0.2", "seed": "1"},
            ("vary", "MODEL", "PICTURE", "-n", "3", "--amount", "0.2", "--seed", "1"),
        ),
        ({}, ("reconstruct", "MODEL", "PICTURE")),
    ):
        source, model = tmp_path / "in.png", tmp_path / "faces.onnx"
        source.write_bytes(picture_bytes(noise=0))
        model.write_bytes(known_generators.autoencoder())
        given = {"MODEL": str(model), "PICTURE": str(source)}
        target = tmp_path / f"{arguments[0]}.png"
        assert run(*(given.get(part, part) for part in arguments), "-o", target).status == 0
        files = {} if "a" in form else {"picture": ("in.png", source.read_bytes())}
        answer = client.post(f"/v1/{arguments[0]}", data=form | {"model": "faces"}, files=files)
        assert answer.status_code == 200, answer.text
        assert Picture.open(answer.content).array().tolist() == Picture.open(target).array().tolist()


def test_a_variation_takes_words_and_an_outline(client: TestClient, run: Run, tmp_path: Path) -> None:
    (tmp_path / "varying.onnx").write_bytes(known_generators.latent_flow(**KNOWING))
    source, shape = tmp_path / "in.png", tmp_path / "shape.png"
    source.write_bytes(picture_bytes(noise=0))
    alpha = np.tile(np.float32([1, 0]), (8, 6))
    Picture.from_array(np.zeros((8, 12, 3), np.float32), alpha=alpha, depth=8).save(shape)
    command = ("vary", tmp_path / "varying.onnx", source, "-n", "2", "--text", "red", "--layout", shape)
    assert run(*map(str, (*command, "--amount", "0.9", "--steps", "3", "-o", tmp_path / "made.png"))).status == 0
    files = {"picture": ("in.png", source.read_bytes()), "layout": ("shape.png", shape.read_bytes())}
    form = {"model": "varying", "num": "2", "text": "red", "amount": "0.9", "steps": "3"}
    answer = client.post("/v1/vary", data=form, files=files)
    assert answer.content == (tmp_path / "made.png").read_bytes()


def test_a_way_takes_words_and_an_outline(client: TestClient, run: Run, tmp_path: Path) -> None:
    (tmp_path / "varying.onnx").write_bytes(known_generators.latent_flow(**KNOWING))
    shape = tmp_path / "shape.png"
    Picture.from_array(np.ones((8, 12, 3), np.float32), alpha=np.tile(np.float32([1, 0]), (8, 6)), depth=8).save(shape)
    command = ("interpolate", tmp_path / "varying.onnx", "1", "2", "-n", "3", "--text", "red", "--layout", shape)
    assert run(*map(str, (*command, "-o", tmp_path / "way.png"))).status == 0
    form = {"model": "varying", "a": "1", "b": "2", "num": "3", "text": "red"}
    answer = client.post("/v1/interpolate", data=form, files={"layout": ("shape.png", shape.read_bytes())})
    assert answer.content == (tmp_path / "way.png").read_bytes()


def test_models_are_listed_with_what_they_can_do(client: TestClient) -> None:
    listed = client.get("/v1/models").json()
    uses = {model["name"]: model["uses"] for model in listed["models"]}
    assert uses["denoise-fast"] == ["restore"]
    assert uses["faces"] == ["generate", "encode"]
    assert "restore" in uses["flowers"]
    assert "broken" not in uses
    assert listed["for_task"]["denoise"] == "denoise-fast"
    assert client.get("/v1/models/flowers").json()["entries"]
    assert client.get("/v1/models/nothing").status_code == 404
    assert client.get("/v1/models/broken").json()["detail"].startswith("broken.onnx is no ONNX model")


@pytest.mark.parametrize(
    ("path", "form", "sentence"),
    [
        ("generate", {"model": "denoise-fast"}, "model denoise-fast generates no pictures"),
        ("generate", {"model": "mnist-gan", "num": "100"}, "num is 100; give 1 to 99."),
        ("generate", {"model": "mnist-gan", "steps": "3"}, "steps is for flows"),
        ("generate", {"model": "mnist-gan", "size": "99999x99999"}, "at most 100,000,000 pixels are made here"),
        ("generate", {"model": "mnist-gan", "class": "11"}, "class"),
        ("interpolate", {"model": "mnist-gan", "a": "1"}, "b is missing: give a seed such as 7, or a picture."),
        ("interpolate", {"model": "mnist-gan", "a": "1", "b": "/etc/passwd"}, "'passwd' is no seed"),
        ("vary", {"model": "mnist-gan"}, "picture is missing"),
    ],
)
def test_what_cannot_be_made_is_refused(client: TestClient, path: str, form: dict[str, str], sentence: str) -> None:
    answer = client.post(f"/v1/{path}", data=form)
    assert answer.status_code == 422, answer.text
    assert sentence in answer.json()["detail"]


def test_a_flow_of_codes_is_listed_among_those_that_restore(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "varying.onnx").write_bytes(known_generators.latent_flow(**KNOWING))
    listed = {model["name"]: model for model in client.get("/v1/models").json()["models"]}
    assert listed["varying"]["uses"] == ["generate", "encode", "restore"]
    assert "text" in listed["varying"]["conditions"]


def test_a_tiny_picture_is_enlarged_with_words(client: TestClient, tmp_path: Path) -> None:
    """The same as the library does, and words that no model is there for are refused."""
    (tmp_path / "varying.onnx").write_bytes(known_generators.latent_flow(**KNOWING))
    model = load(tmp_path / "varying.onnx")
    height, width = model.card.size
    tiny = picture_bytes(size=(height // 2, width // 2))
    expected = sfumato.restore(tiny, model=model, text="red").to_bytes()
    files = {"picture": ("tiny.png", tiny)}
    assert client.post("/v1/restore", files=files, data={"model": "varying", "text": "red"}).content == expected
    refused = client.post("/v1/restore", files=files, data={"text": "red"})
    assert (refused.status_code, refused.json()["option"]) == (422, "text")


def test_no_field_of_a_form_is_passed_over(client: TestClient) -> None:
    """Whatever route it is sent to: a wrong name would leave its option at its default, without a word."""
    paths = client.get("/openapi.json").json()["paths"]
    forms = [path for path, methods in paths.items() if "requestBody" in methods.get("post", {})]
    assert {"/v1/restore", "/v1/generate", "/v1/vary", "/v1/jobs", "/v1/pictures"} <= set(forms)
    for path in forms:
        for sent in ({"data": {"modle": "emoji"}}, {"files": {"modle": ("a.png", picture_bytes())}}):
            answer = client.post(path.replace("{", "").replace("}", ""), **sent)
            assert answer.status_code == 422, path
            assert "There is no field 'modle' here" in answer.json()["detail"], path
    assert "did you mean num?" in client.post("/v1/generate", data={"nun": "2"}).json()["detail"]
