"""A tag says what an image was built from: the same content the same tag, anything else another."""

from pathlib import Path

import pytest

from deployment import images
from deployment.images import Component, reference


@pytest.fixture
def component(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Component:
    monkeypatch.setattr(images, "ROOT", tmp_path)
    (tmp_path / "redis" / "proxy").mkdir(parents=True)
    (tmp_path / "redis" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "redis" / "proxy" / "Dockerfile").write_text("FROM scratch\n")
    return Component("redis", "redis", parts=("proxy",))


def test_the_tag_follows_from_content_and_base(component: Component) -> None:
    before = reference(component, "base-1")
    assert before == reference(component, "base-1")
    assert before != reference(component, "base-2")
    (component.context / "Dockerfile").write_text("FROM scratch\nUSER 1\n")
    assert before != reference(component, "base-1")


def test_a_renamed_file_and_a_changed_mode_count(component: Component) -> None:
    before = reference(component, "base")
    script = component.context / "Dockerfile"
    script.chmod(0o755)
    executable = reference(component, "base")
    script.rename(component.context / "Containerfile")
    assert len({before, executable, reference(component, "base")}) == 3


@pytest.mark.parametrize("path", ["__pycache__/x.pyc", "proxy/haproxy.cfg", "package/__pycache__/y.pyc"])
def test_what_is_not_in_the_image_does_not_count(component: Component, path: str) -> None:
    before = reference(component, "base")
    (component.context / path).parent.mkdir(parents=True, exist_ok=True)
    (component.context / path).write_text("changed")
    assert reference(component, "base") == before


def test_only_our_own_names_that_nothing_uses_are_removed() -> None:
    kept = [
        *("vote-app/vote:new", "reg.example:5000/team/vote-app/vote:new", "reg.example/vote-app/traefik:v3"),
        *("vote-app/debian:trixie-packages", "vote-app/traefik-standin:v3.7.15-packages", "traefik:v3.7.15"),
        *("vote-app/lab-node:1", "vote:1", "other/voter:1"),
    ]
    gone = ["vote-app/vote:old", "reg.example:5000/team/vote-app/vote:old", "reg.example/vote-app/traefik:v2"]
    used = [
        "vote-app/vote:new",
        "reg.example:5000/team/vote-app/vote:new@sha256:aa",
        "reg.example/vote-app/traefik:v3@sha256:bb",
    ]
    assert images.unused([*kept, *gone], used) == gone
