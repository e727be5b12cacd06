"""A tag says what an image was built from: the same content the same tag, anything else another."""

import hashlib
import os
import tarfile
from pathlib import Path

import pytest

from deployment.engine.images import context, images
from deployment.engine.images.images import Component, reference
from deployment.errors import DeployError

SCRIPT = b"#!/bin/sh\n"


@pytest.fixture
def component(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Component:
    monkeypatch.setattr(images, "ROOT", tmp_path)
    (tmp_path / "redis" / "gate").mkdir(parents=True)
    (tmp_path / "redis" / ".dockerignore").write_text("*\n!gate\n!start\n**/__pycache__\n**/.*\n")
    (tmp_path / "redis" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "redis" / "start").write_bytes(SCRIPT)
    (tmp_path / "redis" / "gate" / "gate.py").write_text("pass\n")
    return Component("redis", "redis")


def test_the_tag_follows_from_content_and_base(component: Component) -> None:
    before = reference(component, "base-1")
    assert before == reference(component, "base-1")
    assert before != reference(component, "base-2")
    (component.context / "Dockerfile").write_text("FROM scratch\nUSER 1\n")
    assert before != reference(component, "base-1")


def test_a_renamed_file_counts(component: Component) -> None:
    before = reference(component, "base")
    (component.context / "start").rename(component.context / "gate" / "start")
    assert reference(component, "base") != before


@pytest.mark.parametrize(
    "path",
    ["__pycache__/x.pyc", "proxy/haproxy.cfg", "gate/__pycache__/y.pyc", "gate/.DS_Store", "README.md"],
)
def test_what_is_not_in_the_image_does_not_count(component: Component, path: str) -> None:
    before = reference(component, "base")
    (component.context / path).parent.mkdir(parents=True, exist_ok=True)
    (component.context / path).write_text("changed")
    assert reference(component, "base") == before


@pytest.mark.parametrize(("folders", "files"), [(0o700, 0o600), (0o775, 0o664), (0o777, 0o777)])
def test_modes_and_times_of_a_clone_are_not_built_in(component: Component, folders: int, files: int) -> None:
    def built() -> bytes:
        return context.archive(context.files(component.context)).read()

    before, tag = built(), reference(component, "base")
    for path in component.context.rglob("*"):
        path.chmod(folders if path.is_dir() else files)
        os.utime(path, (1, 1))
    assert (built(), reference(component, "base")) == (before, tag)


def test_everybody_can_read_what_is_built_in_and_run_scripts(component: Component) -> None:
    with tarfile.open(fileobj=context.archive(context.files(component.context))) as tar:
        modes = {member.name: (member.mode, member.uid, member.gid) for member in tar}
    assert modes == {
        ".dockerignore": (0o644, 0, 0),
        "Dockerfile": (0o644, 0, 0),
        "gate": (0o755, 0, 0),
        "gate/gate.py": (0o644, 0, 0),
        "start": (0o755, 0, 0),
    }


def test_versions_of_a_file_differ_in_time(component: Component) -> None:
    # By time and size alone the pages' static files are told apart in a browser's cache.
    first, second = context.File("page.js", b"colour = 1"), context.File("page.js", b"colour = 2")
    assert first.modified != second.modified


def test_an_image_from_before_modes_were_settled_is_not_used_again(component: Component) -> None:
    digest = hashlib.sha256(b"base")
    for path in sorted(path for path in component.context.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(component.context)}\0{path.stat().st_mode & 0o111}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    assert reference(component, "base") != f"localhost:1/vote-app/redis:{digest.hexdigest()[:12]}"


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("start", b"#!/bin/sh\r\nexec redis\r\n", "redis/start has Windows line ends"),
        ("gate/gate.py", b"pass\r\n", "redis/gate/gate.py has Windows line ends"),
        ("Dockerfile", b"FROM scratch\r\n", "redis/Dockerfile has Windows line ends"),
        ("start", b"\xef\xbb\xbf#!/bin/sh\n", "redis/start begins with a byte order mark"),
    ],
)
def test_a_text_that_linux_would_stumble_over_is_refused(
    component: Component, name: str, content: bytes, complaint: str
) -> None:
    (component.context / name).write_bytes(content)
    with pytest.raises(DeployError) as refused:
        context.require_sound([component.context], [], component.context.parent)
    assert complaint in refused.value.what
    assert "sed -i" in refused.value.remedy


def test_what_swarm_is_handed_is_looked_at_too_and_everything_is_named(component: Component) -> None:
    config = component.context.parent / "traefik.yaml"
    config.write_bytes(b"entryPoints:\r\n")
    (component.context / "start").write_bytes(SCRIPT + b"\r\n")
    with pytest.raises(DeployError) as refused:
        context.require_sound([component.context], [config], component.context.parent)
    assert "redis/start" in refused.value.what
    assert "1 more" in refused.value.what
    assert any(line.startswith("traefik.yaml") for line in refused.value.evidence)


def test_a_picture_may_hold_any_bytes(component: Component) -> None:
    (component.context / "gate" / "icon.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    context.require_sound([component.context], [], component.context.parent)


def test_a_link_is_refused(component: Component) -> None:
    (component.context / "gate" / "words.toml").symlink_to("/etc/passwd")
    with pytest.raises(DeployError) as refused:
        reference(component, "base")
    assert "words.toml is not a regular file" in refused.value.what


def test_an_odd_name_is_built_in(component: Component) -> None:
    odd = os.fsdecode(b"caf\xe9 \n#1")
    (component.context / "gate" / odd).write_text("x")
    assert reference(component, "base")
    with tarfile.open(fileobj=context.archive(context.files(component.context))) as tar:
        assert f"gate/{odd}" in tar.getnames()


def test_this_checkout_is_sound() -> None:
    images.require_sound_sources()


def test_only_our_own_names_that_nothing_uses_are_removed() -> None:
    kept = [
        *("vote-app/vote:new", "reg.example:5000/team/vote-app/vote:new", "reg.example/vote-app/traefik:v3"),
        *("vote-app/debian:trixie-packages", "vote-app/traefik-standin:v3.7.15-packages-wget"),
        "traefik:v3.7.15",
        *("vote-app/lab-node:1", "vote:1", "other/voter:1", "localhost:1/vote-app/vote:new"),
    ]
    gone = [
        "localhost:1/vote-app/vote:old",
        "vote-app/vote:old",
        "reg.example:5000/team/vote-app/vote:old",
        "reg.example/vote-app/traefik:v2",
    ]
    used = [
        "localhost:1/vote-app/vote:new",
        "vote-app/vote:new",
        "reg.example:5000/team/vote-app/vote:new@sha256:aa",
        "reg.example/vote-app/traefik:v3@sha256:bb",
    ]
    assert images.unused([*kept, *gone], used) == gone
