"""Traefik as a plain container, which leads to whatever has the name of a service."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import yaml

from deployment.configuration.layout import ROOT, STACK_FILE
from deployment.engine.swarm import certificates
from kit.containers import address, docker
from kit.images import reference
from kit.waiting import wait_until

HOSTS = ("vote.localhost", "result.localhost")
PORT = 8443
HTTP_PORT = 8080
STATIC = ROOT / "traefik" / "traefik.yaml"
DYNAMIC = ROOT / "traefik" / "dynamic.yaml"
_SERVICE = yaml.safe_load(STACK_FILE.read_text())["services"]["traefik"]
ENTRYPOINT = [part.replace("$$", "$") for part in _SERVICE["entrypoint"]]
# As in the stack, but for the certificates, which are no volume here.
SCRATCH = [v["target"] for v in _SERVICE["volumes"] if isinstance(v, dict) and v["type"] == "tmpfs"]
HEALTH_CHECK = [part.replace("$$", "$") for part in _SERVICE["healthcheck"]["test"][1:]]
ENVIRONMENT = {
    "VOTE_HOST": HOSTS[0],
    "RESULT_HOST": HOSTS[1],
    "HTTPS_PORT": str(PORT),
    "OPEN_FILES": _SERVICE["environment"]["OPEN_FILES"],
}


@contextmanager
def running_edge(network: str, folder: Path, **settings: str) -> Iterator[str]:
    """Run Traefik as in the stack, but for the Swarm that it would ask; give its address."""
    with starting_edge(network, folder, **settings) as host:
        wait_until(lambda: lets_in(host))
        yield host


@contextmanager
def starting_edge(network: str, folder: Path, **settings: str) -> Iterator[str]:
    """Do the same, and do not wait until it lets anybody in."""
    name, made = f"{network}-edge-{uuid4().hex[:8]}", certificates.issue(HOSTS)
    (folder / "authority").write_bytes(made.authority)
    (folder / "tls_certificate").write_bytes(made.chain)
    (folder / "tls_key").write_bytes(made.key)
    environment = ENVIRONMENT | settings
    (folder / "traefik.yaml").write_text(filled_in(STATIC.read_text(), environment))
    run = (
        *("run", "--detach", "--name", name, "--network", network, "--network-alias", "edge"),
        *("--read-only", "--cap-drop", "ALL"),
        *("--memory", _SERVICE["deploy"]["resources"]["limits"]["memory"]),
        *(part for target in SCRATCH for part in ("--tmpfs", target)),
        *("--volume", f"{folder / 'traefik.yaml'}:/etc/traefik/traefik.yaml:ro"),
        *("--volume", f"{DYNAMIC}:/etc/traefik/dynamic.yaml:ro", "--volume", f"{folder}:/run/secrets:ro"),
        *(part for variable in environment.items() for part in ("--env", "=".join(variable))),
        *("--entrypoint", ENTRYPOINT[0], reference("traefik"), *ENTRYPOINT[1:]),
    )
    try:
        docker(*run)
        yield address(name)
    finally:
        docker("rm", "--force", name)


def filled_in(template: str, environment: Mapping[str, str]) -> str:
    """Return a static configuration as Swarm would give it to Traefik, without the Swarm provider."""

    def value(match: re.Match[str]) -> str:
        return environment.get(match[1], "")

    text = re.sub(
        r"{{ if env \"(\w+)\" }}(.*?){{ end }}", lambda m: m[2] if value(m) else "", template, flags=re.DOTALL
    )
    whole = yaml.safe_load(re.sub(r"{{ env \"(\w+)\" }}", value, text))
    del whole["providers"]["swarm"]
    return yaml.safe_dump(whole)


def lets_in(host: str) -> bool:
    """Say whether an edge accepts connections."""
    try:
        socket.create_connection((host, PORT), 1).close()
    except OSError:
        return False
    return True
