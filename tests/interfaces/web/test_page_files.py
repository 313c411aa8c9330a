"""The web page's files: small, whole, in both languages, from nowhere else; and how they are served."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from services import service

from sfumato.interfaces.service.app import PAGE

FILES = sorted(path for path in PAGE.iterdir() if path.is_file())
SCRIPTS = [path for path in FILES if path.suffix == ".js"]
HTML = (PAGE / "index.html").read_text(encoding="utf-8")
MOST = 300_000  # bytes of all that is loaded


class Elements(HTMLParser):
    """Attributes of all elements."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def elements():
    parser = Elements()
    parser.feed(HTML)
    return parser.found


def keys(language: str) -> set[str]:
    source = (PAGE / "i18n.js").read_text(encoding="utf-8")
    block = source.split(f"const {language} = {{")[1].split("\n};")[0]
    return {quoted or plain for quoted, plain in re.findall(r'(?:"([\w-]+)"|\b(\w+)): "', block)}


def test_all_of_it_is_small_and_from_here():
    assert sum(path.stat().st_size for path in FILES) < MOST
    for path in FILES:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(?:https?:)?//[\w-]+\.\w", text), path.name
        assert "innerHTML" not in text
        assert not re.search(r"\beval\(|new Function", text)
    for tag, attributes in elements():
        assert "style" not in attributes, "the content security policy allows no inline styles"
        assert not any(name.startswith("on") for name in attributes)
        if tag == "script":
            assert attributes["src"].endswith(".js")


def test_every_text_is_there_in_both_languages():
    english, chinese = keys("EN"), keys("ZH")
    assert english == chinese
    wanted = {value for _, attrs in elements() for name, value in attrs.items() if name.startswith("data-i18n")}
    for path in SCRIPTS:
        wanted |= set(re.findall(r'\bt\("([\w-]+)"', path.read_text(encoding="utf-8")))
    assert wanted - english == set()
    assert len(wanted) > 60


def test_every_element_that_a_script_names_is_there():
    ids = {attributes["id"] for _, attributes in elements() if "id" in attributes}
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'\$\("([\w-]+)"\)|getElementById\("([\w-]+)"\)', text):
            assert (name[0] or name[1]) in ids, f"{path.name}: {name}"
    labelled = {attributes.get("for") for tag, attributes in elements() if tag == "label"}
    assert labelled - {None} <= ids


def test_modules_import_what_others_export():
    exported = {
        path.name: set(re.findall(r"^export (?:async )?(?:function|const|class) (\w+)", path.read_text(), re.M))
        for path in SCRIPTS
    }
    for path in SCRIPTS:
        for names, source in re.findall(r'^import \{([^}]+)\} from "\./([\w.]+)"', path.read_text(), re.M):
            assert {name.strip() for name in names.split(",")} <= exported[source], path.name


@pytest.fixture
def client(tmp_path: Path):
    with service(tmp_path, with_workers=False, page=True) as client:
        yield client


def test_the_page_is_served_with_a_strict_policy_and_the_api_beside_it(client):
    for path in FILES:
        answer = client.get(f"/{'' if path.name == 'index.html' else path.name}")
        assert answer.status_code == 200
        assert answer.content == path.read_bytes()
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    assert client.get("/v1/session").status_code == 200
    assert client.get("/nothing.js").status_code == 404
    assert client.get("/../app.py").status_code == 404
    assert client.get("/%2e%2e/%2e%2e/service/app.py").status_code == 404


def test_the_command_says_what_it_is(run):
    shown = run("web", "--help")
    assert shown.status == 0
    assert "--no-browser" in shown.out
    assert "sfumato serve --page" in shown.out
