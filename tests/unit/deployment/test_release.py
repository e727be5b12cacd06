"""The stack file, its variables and the tool that fills them in must agree."""

import re

import pytest
import yaml

from deployment import credentials, layout, release, settings
from deployment.images import COMPONENTS, variable
from deployment.release import Release
from deployment.settings import Settings

IN_FILE = set(re.findall(r"\$\{([A-Z0-9_]+)", layout.STACK_FILE.read_text()))
SECTIONS = ("version", "networks", "volumes", "configs", "secrets")


@pytest.fixture(autouse=True)
def _no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)


def test_every_variable_of_the_stack_file_is_filled_in_and_none_is_filled_in_vain() -> None:
    filled = set(settings.load().variables()) | set(release.config_hashes())
    filled |= {variable(component.name) for component in COMPONENTS}
    filled |= {f"{key.upper()}_SECRET" for key in (*credentials.PASSWORDS, *credentials.TLS)}
    assert filled | {"TRAEFIK_IMAGE", "RELEASE"} == IN_FILE


def test_every_variable_has_a_default_for_a_deployment_by_hand() -> None:
    text = layout.STACK_FILE.read_text()
    assert re.findall(r"\$\{[A-Z0-9_]+\}", text) == []


@pytest.mark.parametrize("name", sorted(settings.Settings.model_fields))
def test_every_setting_is_explained(name: str) -> None:
    example = (layout.ROOT / "stack" / ".env.example").read_text()
    assert re.search(rf"^#?{name.upper()}=", example, re.MULTILINE)


def test_a_release_is_known_by_its_content() -> None:
    one = Release({"A": "1", "B": "2"})
    assert one.identity == Release({"B": "2", "A": "1"}).identity
    assert one.identity != Release({"A": "1", "B": "3"}).identity
    assert one.identity != Release({"A": "1", "B": "2"}, overlays=(layout.ENCRYPTION_FILE,)).identity


def test_a_part_of_the_stack_file_has_one_service_and_all_that_it_refers_to() -> None:
    whole = yaml.safe_load(layout.STACK_FILE.read_text())
    part = yaml.safe_load(release.reduced(layout.STACK_FILE.read_text(), "redis-2"))
    assert part["services"] == {"redis-2": whole["services"]["redis-2"]}
    assert [part[section] for section in SECTIONS] == [whole[section] for section in SECTIONS]


def test_a_part_leaves_variables_and_dollars_to_docker() -> None:
    part = release.reduced(
        """
        x-image: &image {image: "${IMAGE:-a:1}"}
        services:
          one: {<<: *image, replicas: "${N:-2}", test: "$$(date)", answer: "no"}
          two: {image: other}
        """,
        "one",
    )
    one = {"image": "${IMAGE:-a:1}", "replicas": "${N:-2}", "test": "$$(date)", "answer": "no"}
    assert yaml.safe_load(part) == {"services": {"one": one}}
