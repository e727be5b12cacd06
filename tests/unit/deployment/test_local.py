"""The local setup is refused with the reason before anything is changed."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from deployment.configuration.layout import COMPOSE_FILE
from deployment.engine.machine import compose
from deployment.engine.machine.compose import Compose
from deployment.errors import DeployError
from deployment.operations import local

SERVICES: dict[str, dict[str, Any]] = {
    "vote": {
        "image": "localhost:1/vote-app/vote:latest",
        "ports": [{"published": "8080"}],
        "volumes": [{"type": "bind", "source": "/src/vote"}, {"type": "volume", "source": "passwords"}],
    },
    "result": {"image": "registry.example.org/result:1", "ports": [{"published": "9081"}]},
    "redis": {"image": "localhost:1/vote-app/redis:latest"},
    "passwords": {"image": "localhost:1/vote-app/redis:latest"},
}
PATHS = {"paths": {"image": "localhost:1/vote-app/traefik:latest", "ports": [{"published": "8082"}]}}


@pytest.mark.parametrize(
    ("version", "sufficient"),
    [
        ("2.26.1-4", True),
        ("v2.40.3", True),
        ("5.0.0", True),
        ("1.29.2", False),
        ("", False),
        ("docker: 'compose' is not a docker command.", False),
    ],
)
def test_compose_2_is_needed(version: str, *, sufficient: bool) -> None:
    assert compose.is_sufficient(version) == sufficient


def program(folder: Path, name: str, version: str) -> None:
    path = folder / name
    path.write_text(f'#!/bin/sh\ncase "$*" in *"version --short") echo {version} ;; esac\n')
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("programs", "found"),
    [
        ({"docker": "2.26.1-4"}, ("docker", "compose")),
        ({"docker": "", "docker-compose": "v2.40.3"}, ("docker-compose",)),
        ({"docker": "2.26.1", "docker-compose": "1.29.2"}, ("docker", "compose")),
        ({"docker": "", "docker-compose": "1.29.2"}, None),
        ({"docker": ""}, None),
        ({}, None),
    ],
)
def test_compose_is_found_or_how_to_get_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: dict[str, str], found: tuple[str, ...] | None
) -> None:
    for name, version in programs.items():
        program(tmp_path, name, version)
    monkeypatch.setenv("PATH", str(tmp_path))
    if found:
        assert compose.find().words == found
        return
    with pytest.raises(DeployError) as refused:
        compose.find()
    assert "Docker Compose 2 is not installed here" in refused.value.what
    assert "apt-get install docker-compose" in refused.value.remedy


def test_nothing_in_the_environment_leads_to_another_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPOSE_FILE", "/elsewhere/compose.yaml")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "another")
    assert Compose(("docker", "compose"), ("paths",)).command("up") == [
        *("docker", "compose", "--file", str(COMPOSE_FILE), "--project-name", "vote-app-local"),
        *("--profile", "paths", "up"),
    ]


def test_only_images_that_services_have_and_nobody_names_are_built() -> None:
    assert [component.name for component in local.needed(SERVICES)] == ["vote", "redis"]
    assert [component.name for component in local.needed(PATHS)] == ["traefik"]


def test_the_pages_are_where_the_ports_are() -> None:
    assert local.pages(local.ports(SERVICES)) == ["http://localhost:8080/", "http://localhost:9081/"]
    assert local.pages(local.ports(SERVICES | PATHS))[2:] == [
        "http://localhost:8082/vote/",
        "http://localhost:8082/result/",
    ]


@pytest.mark.parametrize("published", ["0", "65536", "8080-8090", ""])
def test_what_is_no_port_is_refused_by_the_name_of_its_variable(published: str) -> None:
    with pytest.raises(DeployError, match=f"RESULT_PORT is {published}, and") as refused:
        local.ports({"result": {"ports": [{"published": published}]}})
    assert "one port from 1 to 65535" in refused.value.what


def test_a_profile_that_is_not_there_is_refused_with_those_that_are() -> None:
    local.require_profiles(["paths", "seed"], ["paths", "seed"])
    local.require_profiles([], ["paths", "seed"])
    with pytest.raises(DeployError, match="no profile path in") as refused:
        local.require_profiles(["seed", "path"], ["paths", "seed"])
    assert "paths, seed" in refused.value.remedy


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with socket.create_server(("", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(DeployError) as refused:
            local.require_ports({"vote": port}, set())
        local.require_ports({"vote": port}, {port})  # our own container's
    assert f"Port {port} is taken" in refused.value.what
    assert f"VOTE_PORT={port + 100} python3 deploy.py local up" in refused.value.remedy
    local.require_ports({"vote": port}, set())


@pytest.mark.parametrize(("mode", "readable"), [(0o644, True), (0o444, True), (0o640, False), (0o600, False)])
def test_source_that_the_containers_could_not_read_is_named(
    tmp_path: Path, mode: int, *, readable: bool
) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "page.css").write_text("")
    (tmp_path / "page.css").chmod(mode)
    if readable:
        local.require_readable({tmp_path})
        return
    with pytest.raises(DeployError) as refused:
        local.require_readable({tmp_path})
    assert str(tmp_path / "page.css") in refused.value.what
    assert refused.value.remedy == f"chmod -R o+rX {tmp_path}"


def test_the_lock_of_an_editor_and_what_is_gone_meanwhile_are_in_nobody_s_way(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / ".#views.py").symlink_to("somebody@example.org.4711:1700000000")
    local.require_readable({tmp_path, tmp_path / "gone"})


def test_a_folder_that_is_closed_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o754)
    with pytest.raises(DeployError, match="can be read by its owner alone"):
        local.require_readable({tmp_path})


def test_the_source_of_a_service_is_what_it_mounts() -> None:
    assert local.sources(SERVICES) == {Path("/src/vote")}
