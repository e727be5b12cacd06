"""The engine that is asked for is the one that is used: no other takes its place, none is installed."""

import hashlib
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import cast

import pytest
import trustme
from docker import DockerClient

from deployment.configuration.settings import Settings
from deployment.engine.machine import endpoint, engine
from deployment.engine.machine.endpoint import Endpoint
from deployment.errors import DeployError
from deployment.operations import up
from deployment.progress import Progress

NOBODY = "tcp://127.0.0.1:1"


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of the docker command, with contexts that lead elsewhere and here."""
    for variable in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    contexts = {"far": NOBODY, "here": endpoint.OWN_SOCKETS[0], "tunnel": "ssh://me@192.0.2.1"}
    for name, address in contexts.items():
        folder = tmp_path / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
        folder.mkdir(parents=True)
        docker = {"Host": address, "SkipTLSVerify": False}
        meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": docker}}
        (folder / "meta.json").write_text(json.dumps(meta))
    choose(tmp_path, None)
    return tmp_path


def choose(config: Path, name: str | None) -> None:
    """Do as `docker context use` does."""
    (config / "config.json").write_text(json.dumps({"currentContext": name} if name else {}))


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """Serve something that is no engine."""
    with HTTPServer(("127.0.0.1", 0), Teapot) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield http
        http.shutdown()


class Teapot(BaseHTTPRequestHandler):
    """Answers every question with a refusal."""

    def do_GET(self) -> None:
        self.send_error(418)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def refusal() -> DeployError:
    with pytest.raises(DeployError) as refused:
        up.site(Settings(), Progress(quiet=True), install_engine=True, start=True)
    return refused.value


@pytest.fixture(autouse=True)
def _nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "install", lambda _: pytest.fail("an engine was installed or started here"))


@pytest.mark.parametrize(
    ("variables", "address", "asked_by"),
    [
        ({}, "unix:///var/run/docker.sock", ""),
        ({"DOCKER_HOST": "unix:///run/docker.sock"}, "unix:///run/docker.sock", ""),
        ({"DOCKER_HOST": NOBODY}, NOBODY, "DOCKER_HOST"),
        ({"DOCKER_HOST": NOBODY, "DOCKER_CONTEXT": "here"}, NOBODY, "DOCKER_HOST"),
        ({"DOCKER_HOST": "", "DOCKER_CONTEXT": "far"}, NOBODY, "the Docker context 'far'"),
        ({"DOCKER_CONTEXT": "here"}, "unix:///var/run/docker.sock", ""),
        ({"DOCKER_CONTEXT": "default"}, "unix:///var/run/docker.sock", ""),
    ],
)
@pytest.mark.parametrize("current", [None, "here"])
def test_the_order_is_that_of_the_docker_command(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    address: str,
    asked_by: str,
    current: str | None,
) -> None:
    choose(config, current)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert endpoint.wanted() == Endpoint(address, asked_by)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (NOBODY, "nobody listens there"),
        ("unix:///no-such.sock", "there is no such socket"),
        ("tcp://no-such.invalid:2375", "its name cannot be resolved"),
        ("foo://x", "Invalid bind address protocol"),
        ("ssh://me@192.0.2.1", "deploy.py does not speak"),
    ],
)
def test_an_engine_that_does_not_answer_is_named_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, address: str, reason: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    refused = refusal()
    assert f"The Docker Engine at {address}, asked for by DOCKER_HOST," in refused.what
    assert reason in refused.what
    assert "--install-engine" not in refused.remedy


@pytest.mark.parametrize(
    ("current", "reason"),
    [("far", "nobody listens there"), ("tunnel", "deploy.py does not speak"), ("gone", "not to be found")],
)
def test_a_chosen_context_is_followed(config: Path, current: str, reason: str) -> None:
    choose(config, current)
    refused = refusal()
    assert f"context '{current}'" in refused.what
    assert reason in refused.what


def test_no_certificates(monkeypatch: pytest.MonkeyPatch, config: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", NOBODY)
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(config))
    assert "asks for TLS, but there are not all of" in refusal().what


def certificates(folder: Path, authority: trustme.CA) -> None:
    leaf = authority.issue_cert("client")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    leaf.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    leaf.private_key_pem.write_to_path(folder / "key.pem")


@pytest.mark.parametrize(
    ("tls", "verify", "reason"),
    [
        (True, True, "its TLS certificate is none that"),
        (True, False, "it cut the connection, as one does that speaks TLS only"),
        (False, True, "it does not speak TLS"),
        (False, False, "418 Client Error"),
    ],
)
def test_what_answers_is_no_engine_for_us(
    monkeypatch: pytest.MonkeyPatch, config: Path, server: HTTPServer, tls: bool, verify: bool, reason: str
) -> None:
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_port}")
    if verify:
        certificates(config, trustme.CA())
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(config))
    assert reason in refusal().what


@pytest.mark.parametrize(
    ("problem", "what"),
    [
        ("('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))", None),
        ("('Connection aborted.', ConnectionRefusedError(111, 'Connection refused'))", None),
        ("('Connection aborted.', PermissionError(13, 'Permission denied'))", "refuses this user"),
        ("UnixHTTPConnectionPool(host='localhost', port=None): Read timed out. (read timeout=30)", "in time"),
        ("400 Client Error: client version 1.41 is too old. Minimum supported API version is 1.44", "1.44"),
    ],
)
def test_only_where_nothing_is_may_an_engine_be_installed(problem: str, what: str | None) -> None:
    found = Endpoint(endpoint.OWN_SOCKETS[0]).unanswered(problem)
    assert (found is None) if what is None else (found is not None and what in found.what)


class Client:
    """An engine with an identity."""

    def info(self) -> dict[str, str]:
        return {"ID": "ours"}


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("echo ours", None),
        ("echo another", "does not reach the engine that deploy.py uses"),
        (
            "echo 'client version 1.41 is too old' >&2; exit 1",
            "does not reach the engine that deploy.py uses",
        ),
        (None, "is not installed here"),
    ],
)
def test_the_docker_command_must_reach_the_same_engine(
    config: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, complaint: str | None
) -> None:
    if script:
        (config / "docker").write_text(f"#!/bin/sh\n{script}\n")
        (config / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(config))
    client = cast(DockerClient, Client())
    if complaint is None:
        engine.require_command(client)
        return
    with pytest.raises(DeployError) as refused:
        engine.require_command(client)
    assert complaint in refused.value.what
    if script and ">&2" in script:
        assert "too old" in "\n".join(refused.value.evidence)
