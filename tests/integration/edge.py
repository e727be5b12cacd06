"""Traefik as a plain container, which leads to whatever has the name of a service."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import yaml

from deployment import certificates
from deployment.layout import ROOT, STACK_FILE
from images import reference
from integration.containers import address, docker
from integration.services import eventually

HOSTS = ("vote.localhost", "result.localhost")
PORT = 8443
DYNAMIC = ROOT / "traefik" / "dynamic.yaml"
_SERVICE = yaml.safe_load(STACK_FILE.read_text())["services"]["traefik"]
ENTRYPOINT = [part.replace("$$", "$") for part in _SERVICE["entrypoint"]]
TRAEFIK = (
    f"--entrypoints.websecure.address=:{PORT}",
    "--entrypoints.websecure.http.tls=true",
    "--providers.file.filename=/etc/traefik/dynamic.yaml",
)


@contextmanager
def running_edge(network: str, folder: Path) -> Iterator[str]:
    """Run Traefik with the stack's dynamic configuration and no other provider; give its address."""
    with starting_edge(network, folder) as host:
        eventually(lambda: lets_in(host))
        yield host


@contextmanager
def starting_edge(network: str, folder: Path) -> Iterator[str]:
    """Do the same, and do not wait until it lets anybody in."""
    name, made = f"{network}-edge-{uuid4().hex[:8]}", certificates.issue(HOSTS)
    (folder / "authority").write_bytes(made.authority)
    (folder / "tls_certificate").write_bytes(made.chain)
    (folder / "tls_key").write_bytes(made.key)
    run = (
        *("run", "--detach", "--name", name, "--network", network),
        *("--volume", f"{DYNAMIC}:/etc/traefik/dynamic.yaml:ro", "--volume", f"{folder}:/run/secrets:ro"),
        *("--env", f"VOTE_HOST={HOSTS[0]}", "--env", f"RESULT_HOST={HOSTS[1]}"),
        *("--entrypoint", ENTRYPOINT[0], reference("traefik"), *ENTRYPOINT[1:], *TRAEFIK),
    )
    try:
        docker(*run)
        yield address(name)
    finally:
        docker("rm", "--force", name)


def lets_in(host: str) -> bool:
    """Say whether an edge accepts connections."""
    try:
        socket.create_connection((host, PORT), 1).close()
    except OSError:
        return False
    return True
