"""What somebody sees first: README and the pages' pictures, which are described, credited, there, and not too heavy."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
MAX_README_LINES = 120
MAX_HOME_BYTES = 1_500_000
MIN_ALT_WORDS = 3  # "screenshot" describes nothing

MARKDOWN_PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<path>[^)]+)\)")


class Tags(HTMLParser):
    """The pictures of a page that are written as HTML: (path, alternative text)."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[tuple[str, str]] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "img":
            self.pictures.append((found.get("src") or "", found.get("alt") or ""))
        elif tag == "source":
            self.sources.append(found.get("srcset") or "")


def pictures(page: Path) -> list[tuple[str, str]]:
    """(path, alternative text) of every picture of a page."""
    text = page.read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    return [(found["path"], found["alt"]) for found in MARKDOWN_PICTURE.finditer(text)] + tags.pictures


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= MAX_README_LINES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_picture_is_there_and_described(page: Path) -> None:
    for path, alt in pictures(page):
        assert (page.parent / path).is_file(), f"{page.name}: {path}"
        assert len(alt.split()) >= MIN_ALT_WORDS, f"{page.name}: {path} is described as {alt!r}"


def test_every_picture_is_used() -> None:
    used = {(page.parent / path).resolve() for page in PAGES for path, _ in pictures(page)}
    home = Tags()
    home.feed((DOCS / "index.md").read_text(encoding="utf-8"))
    used |= {(DOCS / path).resolve() for path in home.sources}
    kept = {path.resolve() for path in (DOCS / "images").rglob("*") if path.is_file()}
    assert not kept - used, sorted(path.name for path in kept - used)


def test_pictures_of_tasks_are_made_by_a_program() -> None:
    program = (ROOT / "tools" / "first_look.py").read_text(encoding="utf-8")
    made = set(re.findall(r'^    "([a-z-]+)": Pair\(', program, re.MULTILINE))
    assert {path.stem for path in (DOCS / "images" / "tasks").iterdir()} == made


def test_home_page_is_light_and_works_offline() -> None:
    import material

    tags = Tags()
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    tags.feed(text)
    own = {DOCS / path for path, _ in pictures(DOCS / "index.md")} | {DOCS / path for path in tags.sources}
    own |= {path for path in (DOCS / "assets").rglob("*") if path.suffix in (".js", ".css")}
    # What the theme loads with every page; its text and search index are a part of what is left.
    theme = Path(material.__file__).parent / "templates" / "assets"
    theirs = [*theme.glob("stylesheets/*.css"), *theme.glob("javascripts/*.js"), *theme.glob("images/*.png")]
    assert theirs
    assert sum(path.stat().st_size for path in [*own, *theirs]) < MAX_HOME_BYTES
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for place in ("extra_css", "extra_javascript"):
        assert place in settings
    assert not re.search(r"https?://[^ ]+\.(js|css)", settings + text)


def test_what_comes_from_others_has_its_licence() -> None:
    for folder in (path for path in (DOCS / "assets").iterdir() if path.is_dir()):
        assert "licence" in (folder / "LICENSE.txt").read_text(encoding="utf-8").lower(), folder.name
        assert folder.name in (DOCS / "credits.md").read_text(encoding="utf-8")
