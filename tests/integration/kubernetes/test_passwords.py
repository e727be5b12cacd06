"""Passwords are made once: an upgrade finds those of the install in the cluster, and keeps them."""

import json
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from kit.chart import CHART, NAMESPACE, Manifest, render

SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets/"
SECRET = {"name": "secrets", "singularName": "secret", "kind": "Secret", "namespaced": True, "verbs": ["get"]}
WHAT_THERE_IS: dict[str, Any] = {
    "/version": {"major": "1", "minor": "36", "gitVersion": "v1.36.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [SECRET]},
}


class Cluster(ThreadingHTTPServer):
    """Answers as a cluster's API does to who asks for a secret."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.secrets: dict[str, Manifest] = {}


class Handler(BaseHTTPRequestHandler):
    server: Cluster

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        found = WHAT_THERE_IS.get(path) or self.server.secrets.get(path.removeprefix(SECRETS))
        missing = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "reason": "NotFound",
            "code": 404,
        }
        body = json.dumps(found or missing).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster() as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def reached(cluster: Cluster, tmp_path: Path) -> tuple[str, ...]:
    """Return the options by which helm asks the cluster."""
    server = {"server": f"http://127.0.0.1:{cluster.server_port}"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "this", "cluster": server}],
        "contexts": [{"name": "this", "context": {"cluster": "this"}}],
        "current-context": "this",
    }
    file = tmp_path / "config"
    file.write_text(json.dumps(config))
    return ("--kubeconfig", str(file), "--dry-run=server", "--disable-openapi-validation")


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """Return the chart with its secrets alone: of other kinds this cluster knows nothing."""
    folder = tmp_path / "chart"
    shutil.copytree(CHART, folder)
    for file in (folder / "templates").iterdir():
        if file.name not in {"_helpers.tpl", "secrets.yaml"}:
            file.unlink()
    return folder


def installed(secret: Manifest) -> Manifest:
    """Return a secret with what helm notes at those that it has made."""
    release = {"meta.helm.sh/release-name": "vote-app", "meta.helm.sh/release-namespace": NAMESPACE}
    metadata = secret["metadata"]
    return {**secret, "metadata": {**metadata, "annotations": {**metadata["annotations"], **release}}}


@pytest.mark.parametrize("way", [(), ("--is-upgrade",)], ids=["installed again", "upgraded"])
def test_passwords_that_are_there_are_kept(
    cluster: Cluster, reached: tuple[str, ...], chart: Path, way: tuple[str, ...]
) -> None:
    made = render(*reached, chart=chart)
    cluster.secrets = {secret["metadata"]["name"]: installed(secret) for secret in made}
    kept = render(*reached, *way, chart=chart)
    assert [secret["data"] for secret in kept] == [secret["data"] for secret in made]
