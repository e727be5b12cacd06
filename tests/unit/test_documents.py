"""The documents: every link leads somewhere, and what they list is all there is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from deployment.cli.main import app

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
MOST_LINES = 150
CODE_BLOCK = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"python3 deploy\.py ([a-z-]+)")
SETTING = re.compile(r"^#?([A-Z][A-Z0-9_]+)=", re.MULTILINE)


def prose(document: Path) -> str:
    return CODE_BLOCK.sub("", document.read_text())


def links(document: Path) -> Iterator[str]:
    for markdown, image in LINK.findall(prose(document)):
        target = markdown or image
        if not target.startswith(("https://", "http://", "mailto:")):
            yield target


def anchor(heading: str) -> str:
    """Return what GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(document: Path) -> set[str]:
    return {anchor(heading) for heading in HEADING.findall(prose(document))}


def leads_somewhere(link: str, document: Path) -> bool:
    path, _, name = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    return target.exists() and (not name or name in anchors(target))


def verbs() -> list[str]:
    commands = get_command(app)
    assert isinstance(commands, typer.core.TyperGroup)
    return sorted(commands.commands)


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("`status` is not healthy", "status-is-not-healthy"),
        ("Debian's updates", "debians-updates"),
        ("By hand, without deploy.py", "by-hand-without-deploypy"),
    ],
)
def test_an_anchor_as_github_makes_it(heading: str, expected: str) -> None:
    assert anchor(heading) == expected


@pytest.mark.parametrize("document", DOCUMENTS + RUNBOOKS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    assert [link for link in links(document) if not leads_somewhere(link, document)] == []


@pytest.mark.parametrize("document", DOCUMENTS + RUNBOOKS, ids=lambda path: path.name)
def test_every_command_that_is_named_exists(document: Path) -> None:
    assert set(COMMAND.findall(document.read_text())) <= set(verbs())


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text('# Here\n[a](#here) [b](#there) [c](b.md) [d](a.md#here) <img src="x.png">\n')
    assert [link for link in links(document) if not leads_somewhere(link, document)] == [
        "#there",
        "b.md",
        "x.png",
    ]


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_has_a_row(verb: str) -> None:
    commands = (ROOT / "docs" / "commands.md").read_text()
    assert re.search(rf"^\| `{verb}[ `]", commands, re.MULTILINE)


def test_every_document_is_named_in_the_readme() -> None:
    named = {(README.parent / link.partition("#")[0]).resolve() for link in links(README)}
    assert [path.name for path in DOCUMENTS if path != README and path not in named] == []


@pytest.mark.parametrize("name", SETTING.findall((ROOT / "stack" / ".env.example").read_text()))
def test_every_setting_is_explained(name: str) -> None:
    explained = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / "configuration.md").read_text(), re.MULTILINE)
    assert any(f"`{name}`" in cell for cell in explained)
