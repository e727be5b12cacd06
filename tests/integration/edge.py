"""Traefik as a plain container, which leads to whatever has the name of a service."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from deployment import certificates
from deployment.layout import ROOT
from images import reference
from integration.containers import address, docker
from integration.services import eventually

HOSTS = ("vote.localhost", "result.localhost")
PORT = 8443
DYNAMIC = ROOT / "traefik" / "dynamic.yaml"
TRAEFIK = (
    f"--entrypoints.websecure.address=:{PORT}",
    "--entrypoints.websecure.http.tls=true",
    "--providers.file.filename=/etc/traefik/dynamic.yaml",
)


@contextmanager
def running_edge(network: str, folder: Path) -> Iterator[str]:
    """Run Traefik with the stack's dynamic configuration and no other provider; give its address."""
    name, made = f"{network}-edge-{uuid4().hex[:8]}", certificates.issue(HOSTS)
    (folder / "authority").write_bytes(made.authority)
    (folder / "tls_certificate").write_bytes(made.chain)
    (folder / "tls_key").write_bytes(made.key)
    run = (
        *("run", "--detach", "--name", name, "--network", network),
        *("--volume", f"{DYNAMIC}:/etc/traefik/dynamic.yaml:ro", "--volume", f"{folder}:/run/secrets:ro"),
        *("--env", f"VOTE_HOST={HOSTS[0]}", "--env", f"RESULT_HOST={HOSTS[1]}"),
        *("--entrypoint", "traefik", reference("traefik"), *TRAEFIK),
    )
    try:
        docker(*run)
        eventually(lambda: _lets_in(address(name)))
        yield address(name)
    finally:
        docker("rm", "--force", name)


def _lets_in(host: str) -> bool:
    try:
        socket.create_connection((host, PORT), 1).close()
    except OSError:
        return False
    return True
