"""Captions from what lies beside pictures, and changed as people write."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from sfumato.conditions.text import LONGEST, plain_text, read_text
from sfumato.errors import TrainingError
from sfumato.learn.data.captions import Captions, captions_of
from sfumato.learn.data.folders import list_pictures

ROWS = [
    {"file_name": "a.png", "name": "Red Apple", "kind": "fruit"},
    {"file_name": "sub/b.png", "name": "pear", "kind": ""},
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("a.png", "sub/b.png", "c.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    return tmp_path


def metadata(folder, rows=ROWS):
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))


def test_captions_are_found_in_text_files_metadata_and_tables(folder):
    metadata(folder)
    named = {"a.png": ("red apple", "fruit"), "sub/b.png": ("pear",)}
    assert captions_of(list_pictures(folder), "name, kind") == named
    (folder / "rows.csv").write_text('\ufefffile_name,text\na.png,"One, red"\nsub/b.png,\n')
    assert captions_of(list_pictures(folder)) == {"a.png": ("one, red",)}
    (folder / "sub" / "b.txt").write_text("  A PEAR\n")
    assert captions_of(list_pictures(folder)) == {"sub/b.png": ("a pear",)}
    archive = folder / "all.zip"
    with zipfile.ZipFile(archive, "w") as written:
        for path in folder.rglob("*.*"):
            if path.suffix in (".png", ".jsonl"):
                written.write(path, path.relative_to(folder))
    assert captions_of(list_pictures(archive), "name,kind") == named
    both = captions_of(list_pictures(f"{archive},{archive}"), "name")
    assert both == {f"{i}/{name}": parts[:1] for i in (0, 1) for name, parts in named.items()}


@pytest.mark.parametrize(
    "table",
    [
        'File,Caption\na.png,"One, red"\n',
        "Image ; TEXT\r\na.png;One, red\r\n",
        "file_name\tprompt\na.png\tOne, red\n",
    ],
)
def test_tables_are_read_as_spreadsheets_write_them(folder, table):
    (folder / "rows.csv").write_bytes(table.encode())
    assert captions_of(list_pictures(folder)) == {"a.png": ("one, red",)}


def test_the_columns_of_a_table_are_named_as_it_has_them(folder):
    (folder / "rows.csv").write_text("File,Species\na.png,Apple\n")
    for key in ("Species", "species"):
        assert captions_of(list_pictures(folder), key) == {"a.png": ("apple",)}


def test_a_caption_with_a_bare_comma_is_refused_rather_than_cut(folder):
    (folder / "rows.csv").write_text("file,text\na.png,One, red\n")
    with pytest.raises(TrainingError, match=r"rows.csv, line 2: more cells than the heading has; .* quotation marks"):
        captions_of(list_pictures(folder))


def test_pictures_without_any_caption_are_refused_in_a_sentence(folder):
    with pytest.raises(TrainingError, match="no picture has a caption"):
        captions_of(list_pictures(folder))
    metadata(folder)
    with pytest.raises(TrainingError, match=r"under 'nme' in metadata.jsonl or a CSV .* caption='name,category'"):
        captions_of(list_pictures(folder), "nme")


def test_a_sampled_caption_follows_from_its_seed_and_is_mostly_its_parts():
    captions = Captions((("red apple", "fruit"), (), ("ä" * LONGEST,)))
    assert np.array_equal(captions.sample(0, 5), captions.sample(0, 5))
    forms = [bytes(captions.sample(0, seed).byte().tolist()).rstrip(b"\0").decode("latin-1") for seed in range(300)]
    words = [form.strip() for form in forms]
    for wanted in ("red apple", "fruit", "red apple, fruit", "fruit, red apple"):
        assert words.count(wanted) > 20
    assert len(set(forms)) > 40, "some are misspelt"
    assert not captions.sample(1, 0).any()
    assert captions.sample(2, 0).shape == (LONGEST,)
    whole = captions.values()
    assert np.array_equal(whole[0], read_text("Red apple,  fruit").values)


def test_plain_text_has_one_form():
    assert plain_text(" Straße\tＡＢＣ\u200b e\u0301 ") == "strasse abc é"
    assert bytes(read_text("é" * 200).values.astype(np.uint8)).decode() == "é" * (LONGEST // 2)
