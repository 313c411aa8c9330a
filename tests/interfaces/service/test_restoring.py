"""Restoring over HTTP: the same bytes as by library and command line, refusals in sentences, jobs, views."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import model_files
import numpy as np
import picture_files
import pytest
from command_line import Run
from services import as_array, ended, picture_bytes, service, submitted
from starlette.testclient import TestClient

import sfumato
from sfumato import Picture
from sfumato.interfaces.service.kept import keep, kept
from sfumato.models.engine import Engine
from sfumato.restoration import masks

OPTIONS = [
    {},
    {"noise": "20"},
    {"noise": "20", "strength": "0.6"},
    {"model": "denoise-best", "noise": "9", "format": "jpeg", "quality": "80"},
    {"strength": "0"},
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with service(tmp_path_factory.mktemp("work")) as client:
        yield client


def files_of(tmp_path: Path) -> list[Path]:
    made = [
        picture_files.phone_jpeg(tmp_path / "phone.jpg"),
        picture_files.scan_tiff(tmp_path / "scan.tif"),
        picture_files.transparent_png(tmp_path / "window.png"),
        picture_files.grey_png(tmp_path / "grey.png", depth=16),
    ]
    return made


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options.values()) or "auto")
def test_library_command_line_and_service_give_the_same_bytes(
    client: TestClient, run: Run, tmp_path: Path, options: dict[str, str]
) -> None:
    source, target = tmp_path / "in.png", tmp_path / f"out.{options.get('format', 'png')}"
    source.write_bytes(picture_bytes())
    flags = [part for name, value in options.items() if name != "format" for part in (f"--{name}", value)]
    assert run("restore", source, "-o", target, *flags).status == 0
    answer = client.post("/v1/restore", files={"picture": ("in.png", source.read_bytes())}, data=options)
    assert answer.status_code == 200, answer.text
    assert answer.content == target.read_bytes()
    given = {name: float(value) for name, value in options.items() if name in ("noise", "strength")}
    given |= {name: value for name, value in options.items() if name in ("task", "model")}
    restored = sfumato.restore(source, **given)
    quality = int(options.get("quality", 95))
    assert answer.content == restored.to_bytes(options.get("format"), quality=quality)
    report = json.loads(answer.headers["sfumato-report"])
    assert [step["model"] for step in report["steps"]] == [step.model for step in restored.steps]
    assert answer.headers["content-disposition"] == f'attachment; filename="in.restored{target.suffix}"'.replace(
        ".jpeg", ".jpg"
    )


def test_what_a_file_holds_comes_back_with_it(client: TestClient, tmp_path: Path) -> None:
    for path in files_of(tmp_path):
        data = {"noise": "10", "task": "denoise"}
        answer = client.post("/v1/restore", files={"picture": (path.name, path.read_bytes())}, data=data)
        assert answer.status_code == 200, answer.text
        expected = sfumato.restore(path, noise=10, task="denoise").to_bytes()
        assert answer.content == expected, path.name


def test_a_mask_is_a_file_a_colour_or_an_uploaded_picture(client: TestClient, tmp_path: Path) -> None:
    hole = np.zeros((40, 56), np.float32)
    hole[10:20, 12:30] = 1
    mask = Picture.from_array(hole).to_bytes()
    picture = as_array(picture_bytes())
    painted = Picture.from_array(np.where(hole[..., None] > 0, (1.0, 0.0, 1.0), picture)).to_bytes()
    expected = sfumato.restore(picture_bytes(), task="inpaint", mask=hole).to_bytes()
    of_colour = sfumato.restore(painted, task="inpaint", mask="#ff00ff").to_bytes()
    id = client.post("/v1/pictures", files={"picture": ("mask.png", mask)}).json()["id"]

    def restored(source: bytes, **more: object) -> bytes:
        files = {"picture": ("a.png", source)} | ({"mask": ("mask.png", mask)} if "file" in more else {})
        data = {"task": "inpaint"} | {name: value for name, value in more.items() if name != "file"}
        return client.post("/v1/restore", files=files, data=data).content

    assert restored(picture_bytes(), file=True) == expected
    assert restored(picture_bytes(), mask_id=id) == expected
    assert restored(painted, mask="#ff00ff") == of_colour
    answer = client.post("/v1/restore", files={"picture": ("a.png", painted)}, data={"mask": "mask.png"})
    assert answer.status_code == 422
    assert "mask is a picture file, `alpha`, or a colour" in answer.json()["detail"]


def test_hints_are_a_file_or_an_uploaded_picture(client: TestClient) -> None:
    stroke = np.zeros((40, 56), np.float32)
    stroke[10:20, 12:30] = 1
    hints = Picture.from_array(np.full((40, 56, 3), (0.8, 0.1, 0.1), np.float32), alpha=stroke).to_bytes()
    expected = sfumato.restore(picture_bytes(), task="colorize", hints=Picture.open(hints)).to_bytes()
    files, data = {"picture": ("a.png", picture_bytes())}, {"task": "colorize"}
    answer = client.post("/v1/restore", files=files | {"hints": ("hints.png", hints)}, data=data)
    assert answer.content == expected
    assert json.loads(answer.headers["sfumato-report"])["steps"][0]["model"] == "colorize"
    id = client.post("/v1/pictures", files={"picture": ("hints.png", hints)}).json()["id"]
    assert client.post("/v1/restore", files=files, data=data | {"hints_id": id}).content == expected
    answer = client.post("/v1/restore", files=files | {"hints": ("hints.png", hints)}, data={"task": "denoise"})
    assert answer.status_code == 422
    assert "add colorize" in answer.json()["detail"]


def test_the_report_comes_as_json_where_it_is_asked_for(client: TestClient) -> None:
    files = {"picture": ("a.png", picture_bytes())}
    answer = client.post("/v1/restore", files=files, data={"noise": "20"}, headers={"Accept": "application/json"})
    item = answer.json()
    assert item["report"]["steps"][0]["text"] == "denoise-fast at noise 20.0"
    assert client.get(item["result"]).content == sfumato.restore(picture_bytes(), noise=20).to_bytes()
    answer = client.post("/v1/restore", files=files, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    assert ended(client, answer.json()["id"])["state"] == "done"


def test_advice_can_be_left_out_and_the_result_is_the_same(client: TestClient) -> None:
    small = picture_bytes(size=(140, 160), format="jpeg")  # as photographs are that were made small
    said = {}
    for advise in ("true", "false"):
        answer = client.post("/v1/restore", files={"picture": ("in.jpg", small)}, data={"advise": advise})
        said[advise] = json.loads(answer.headers["sfumato-report"])["advice"], answer.content
    assert "a small size" in said["true"][0]
    assert said["false"][0] == ""
    assert said["true"][1] == said["false"][1]


def test_a_diagnosis_says_what_where_and_what_follows(client: TestClient) -> None:
    clean = picture_bytes(size=(64, 128), noise=0.0)
    half = as_array(clean)
    half[:, 64:] += np.random.default_rng(0).normal(0, 0.15, (64, 64, 3))
    files = {"picture": ("a.png", Picture.from_array(half.clip(0, 1)).to_bytes())}
    found = client.post("/v1/diagnose", files=files).json()
    assert found["picture"]["width"] == 128
    noise = np.array(found["regions"]["noise"])
    assert noise.shape == (found["regions"]["rows"], found["regions"]["columns"])
    assert noise[:, -1].min() > 30 > 2 * noise[:, : noise.shape[1] // 2].max()
    plain = client.post("/v1/diagnose", files={"picture": ("a.png", picture_bytes())}, data={"regions": "false"}).json()
    assert plain["tasks"] == ["denoise"]
    assert "regions" not in plain


def test_an_uploaded_picture_is_looked_at_and_restored_in_part(client: TestClient) -> None:
    data = picture_bytes(size=(60, 90))
    uploaded = client.post("/v1/pictures", files={"picture": ("dir/..\\..\\a.png", data)}).json()
    assert uploaded["name"] == "a.png"
    assert uploaded["picture"]["width"] == 90
    preview = client.get(f"{uploaded['links']['preview']}?size=45&format=png")
    assert as_array(preview.content).shape == (30, 45, 3)
    part = client.get(f"{uploaded['links']['preview']}?crop=10,20,30,25&format=png").content
    assert np.array_equal(as_array(part), as_array(data)[20:45, 10:40])
    mask = client.get(uploaded["links"]["scratches"])
    assert as_array(mask.content).shape == (60, 90, 1)
    form = {"picture_id": uploaded["id"], "crop": "10,20,30,25", "noise": "20"}
    answer = client.post("/v1/restore", data=form)
    expected = sfumato.restore(Picture.open(data).crop(10, 20, 30, 25), noise=20)
    assert answer.content == expected.to_bytes()
    untouched = client.post("/v1/restore", data=form | {"strength": "0"}).content
    assert np.array_equal(as_array(untouched), as_array(data)[20:45, 10:40])
    assert client.delete(f"/v1/pictures/{uploaded['id']}").status_code == 204
    assert client.get(uploaded["links"]["preview"]).status_code == 404
    assert client.post("/v1/restore", data=form).status_code == 404


def test_a_job_of_many_pictures_ends_in_a_result_for_each(client: TestClient) -> None:
    pictures = [picture_bytes(seed) for seed in range(3)]
    job = submitted(client, *pictures, b"no picture", noise="20")
    status = ended(client, job)
    assert [item["state"] for item in status["items"]] == ["done", "done", "done", "failed"]
    assert status["items"][3]["problem"]["detail"].startswith("The picture is no picture")
    with zipfile.ZipFile(io.BytesIO(client.get(f"/v1/jobs/{job}/zip").content)) as archive:
        assert archive.namelist() == ["0.restored.png", "1.restored.png", "2.restored.png"]
        for number, picture in enumerate(pictures):
            expected = sfumato.restore(picture, noise=20).to_bytes()
            assert archive.read(f"{number}.restored.png") == expected
            assert client.get(status["items"][number]["result"]).content == expected
    assert client.get(f"/v1/jobs/{job}/items/3/result").json()["type"] == "picture"
    assert client.get(f"/v1/jobs/{job}/items/4/result").status_code == 404


@pytest.mark.parametrize("strength", [0, 1.5])
def test_an_adjustable_item_has_every_strength_without_another_run(client: TestClient, strength: float) -> None:
    job = submitted(client, picture_bytes(), noise="20", adjustable="true", strength="0.8")
    item = ended(client, job)["items"][0]
    assert client.get(item["result"]).content == sfumato.restore(picture_bytes(), noise=20, strength=0.8).to_bytes()
    answer = client.get(f"{item['result']}?strength={strength}")
    expected = sfumato.restore(picture_bytes(), noise=20, strength=strength).to_bytes()
    assert answer.content == expected
    with zipfile.ZipFile(io.BytesIO(client.get(f"/v1/jobs/{job}/zip?strength={strength}").content)) as archive:
        assert archive.read("0.restored.png") == expected


def test_an_adjustable_item_is_looked_at_in_many_ways(client: TestClient) -> None:
    job = submitted(client, picture_bytes(), noise="20", adjustable="true")
    ended(client, job)
    restored = sfumato.restore(picture_bytes(), noise=20)
    views = {
        "preview": restored.picture,
        "before": restored.before,
        "change-map": restored.change_map(),
        "mask": restored.mask(),
        "comparison": restored.comparison(),
    }
    for name, picture in views.items():
        answer = client.get(f"/v1/jobs/{job}/items/0/{name}?format=png&size=4000")
        assert answer.headers["content-type"] == "image/png"
        assert np.array_equal(as_array(answer.content), picture.array()), name
    other = client.get(f"/v1/jobs/{job}/items/0/preview?format=png&strength=0.5")
    assert np.array_equal(
        as_array(other.content), sfumato.restore(picture_bytes(), noise=20, strength=0.5).picture.array()
    )
    plain = submitted(client, picture_bytes(), noise="20")
    ended(client, plain)
    assert client.get(f"/v1/jobs/{plain}/items/0/preview").status_code == 200
    assert client.get(f"/v1/jobs/{plain}/items/0/before").json()["type"] == "not-adjustable"


def test_a_cancelled_job_says_so(tmp_path: Path) -> None:
    with service(tmp_path, with_workers=False) as client:
        job = submitted(client, picture_bytes())
        assert client.get(f"/v1/jobs/{job}").json()["state"] == "queued"
        assert client.delete(f"/v1/jobs/{job}").json()["items"][0]["state"] == "cancelled"
        assert client.get(f"/v1/jobs/{job}/items/0/result").json()["detail"] == "The picture '0.png' is cancelled."
        assert client.get(f"/v1/jobs/{job}/zip").status_code == 409


WRONG = [
    ({"strength": "7"}, "strength", "strength is 7.0; give a number from 0 to 1.5."),
    ({"noise": "loud"}, "noise", "noise loud: say auto, or a number from 0 to 255."),
    ({"task": "polish"}, "task", "task: there is no task 'polish'"),
    ({"model": "../../secret"}, "model", "there is no model '../../secret' here"),
    ({"model": "denoise-fst"}, "model", "did you mean 'denoise-fast'?"),
    ({"model": "mnist-gan"}, None, "generates pictures and restores none"),
    ({"scale": "4"}, "scale", "scale is 4, but nothing is enlarged"),
    ({"crop": "0,0,900,9"}, "crop", "crop 0,0,900,9 does not lie within 56x40 pixels."),
    ({"crop": "here"}, "crop", "write x,y,w,h in whole pixels"),
    ({"format": "bmp"}, "format", "format: Input should be"),
    ({"picture_id": "x"}, "picture", "picture was sent, and an id as well"),
    ({"page": "2"}, None, "The picture has no page 2"),
]


@pytest.mark.parametrize(("form", "option", "sentence"), WRONG, ids=lambda value: str(value)[:30])
def test_what_cannot_be_meant_is_refused_in_a_sentence(
    client: TestClient, form: dict[str, str], option: str | None, sentence: str
) -> None:
    answer = client.post("/v1/restore", files={"picture": ("a.png", picture_bytes())}, data=form)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert sentence in problem["detail"]
    assert problem.get("option") == option
    assert problem["status"] == 422


def test_transparency_that_jpeg_cannot_hold_names_no_folder(client: TestClient, tmp_path: Path) -> None:
    data = picture_files.transparent_png(tmp_path / "a.png").read_bytes()
    answer = client.post("/v1/restore", files={"picture": ("a.png", data)}, data={"format": "jpeg", "noise": "20"})
    assert answer.json()["detail"].startswith("result.jpg cannot hold the picture's transparency")


def test_a_kept_result_shows_what_was_doubtful(tmp_path: Path) -> None:
    y = np.full((60, 90, 3), 0.4, np.float32)
    y[20:24, 30:32] = 1
    restored = sfumato.restore(y, model=Engine(model_files.white_finder()))
    keep(restored, tmp_path)
    mask = kept(tmp_path, restored.source).mask().array()
    assert np.array_equal(mask, restored.mask().array())
    assert mask.max() == np.float32(masks.DOUBTFUL)
