"""Traefik as a plain container, which leads to whatever has the name of a service."""

import json
import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import trustme
import yaml

from deployment.configuration.layout import ROOT, STACK_FILE
from kit.containers import address, docker
from kit.images import reference
from kit.inside import AUTHORITY_FILE, SERVER_FILE, Inside
from kit.routes import Routes
from kit.waiting import wait_until

HOSTS = ("vote.localhost", "result.localhost")
PORT = 8443
HTTP_PORT = 8080
STATIC = ROOT / "traefik" / "traefik.yaml"
DYNAMIC = ROOT / "traefik" / "dynamic.yaml"
_SERVICE = yaml.safe_load(STACK_FILE.read_text())["services"]["traefik"]
ENTRYPOINT = [part.replace("$$", "$") for part in _SERVICE["entrypoint"]]
SCRATCH = [v["target"] for v in _SERVICE["volumes"] if isinstance(v, dict) and v["type"] == "tmpfs"]
HEALTH_CHECK = [part.replace("$$", "$") for part in _SERVICE["healthcheck"]["test"][1:]]
TOKEN = "a-token"
CHALLENGES = "/.well-known/acme-challenge/"
# In the place of `certificates`: gives Traefik one, if it knows the token, and answers challenges. In that of
# Swarm it may give routes as well.
GIVE = f"""
import http.server, ssl, sys, threading
class Give(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        challenged = self.path.startswith("{CHALLENGES}")
        if not challenged and self.headers["Authorization"] != "Bearer {TOKEN}":
            return self.send_error(401)
        self.send_response(200)
        self.end_headers()
        self.wfile.write((self.path if challenged else sys.argv[1]).encode())
servers = [http.server.ThreadingHTTPServer(("", port), Give) for port in (8080, 8081)]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("{SERVER_FILE}")
servers[1].socket = context.wrap_socket(servers[1].socket, server_side=True)
threading.Thread(target=servers[0].serve_forever, daemon=True).start()
servers[1].serve_forever()
"""
ENVIRONMENT = {
    "VOTE_HOST": HOSTS[0],
    "RESULT_HOST": HOSTS[1],
    "HTTPS_PORT": str(PORT),
    "OPEN_FILES": _SERVICE["environment"]["OPEN_FILES"],
}


@contextmanager
def running_edge(network: str, folder: Path, told: Routes | None = None, /, **settings: str) -> Iterator[str]:
    """Run Traefik as in the stack, but for the Swarm that it would ask; give its address.

    Without the routes that Swarm would have told it, each page is found by its name alone.
    """
    with starting_edge(network, folder, told, **settings) as host:
        trust = ssl.create_default_context(cadata=(folder / "authority").read_text())
        wait_until(lambda: shows_certificate(host, trust))
        yield host


@contextmanager
def starting_edge(
    network: str, folder: Path, told: Routes | None = None, /, **settings: str
) -> Iterator[str]:
    """Do the same, and do not wait until it lets anybody in."""
    number = uuid4().hex[:8]
    name, giver = f"{network}-edge-{number}", f"{network}-certificates-{number}"
    environment = ENVIRONMENT | dict(told.environment if told else {}) | settings
    # Another edge of the same network has another certificate.
    static = filled_in(STATIC.read_text(), environment).replace("//certificates:", f"//{giver}:")
    inside = Inside(folder / f"inside-{number}", giver)
    (folder / "traefik.yaml").write_text(static)
    (folder / "dynamic.yaml").write_text(DYNAMIC.read_text().replace("@swarm", "@http"))
    run = (
        *("run", "--detach", "--name", name, "--network", network, "--network-alias", "edge"),
        *("--read-only", "--cap-drop", "ALL"),
        *("--memory", _SERVICE["deploy"]["resources"]["limits"]["memory"]),
        *(part for target in SCRATCH for part in ("--tmpfs", target)),
        *("--volume", f"{folder / 'traefik.yaml'}:/etc/traefik/traefik.yaml:ro"),
        *("--volume", f"{folder / 'dynamic.yaml'}:/etc/traefik/dynamic.yaml:ro"),
        *("--volume", f"{folder}:/run/secrets:ro"),
        *("--volume", f"{inside.authority}:{AUTHORITY_FILE}:ro"),
        *(part for variable in environment.items() for part in ("--env", "=".join(variable))),
        *("--entrypoint", ENTRYPOINT[0], reference("traefik"), *ENTRYPOINT[1:]),
    )
    try:
        names = {*HOSTS, environment["VOTE_HOST"], environment["RESULT_HOST"]}
        shown = _certificate(folder, names) | (told.dynamic if told else {})
        _give(network, giver, inside, shown)
        docker(*run)
        yield address(name)
    finally:
        docker("rm", "--force", name, giver)


def _certificate(folder: Path, names: Iterable[str]) -> dict[str, Any]:
    """Return a certificate as Traefik is given one; `authority` in the folder is who signed it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority")
    made = authority.issue_cert(*names)
    pair = {
        "certFile": b"".join(blob.bytes() for blob in made.cert_chain_pems).decode(),
        "keyFile": made.private_key_pem.bytes().decode(),
    }
    return {"tls": {"certificates": [pair], "stores": {"default": {"defaultCertificate": pair}}}}


def _give(network: str, name: str, inside: Inside, shown: Mapping[str, Any]) -> None:
    """Run what hands Traefik all that it does not find in its files."""
    docker(
        *("run", "--detach", "--name", name, "--network", network, "--network-alias", "certificates"),
        *inside.server(name),
        *("--entrypoint", "python", reference("worker"), "-c", GIVE, json.dumps(shown)),
    )


def filled_in(template: str, environment: Mapping[str, str]) -> str:
    """Return a static configuration as Swarm would give it to Traefik, without the Swarm provider."""

    def value(match: re.Match[str]) -> str:
        return environment.get(match[1], "")

    text = re.sub(
        r"{{ if env \"(\w+)\" }}(.*?){{ end }}", lambda m: m[2] if value(m) else "", template, flags=re.DOTALL
    )
    text = text.replace('{{ secret "certificates_token" }}', TOKEN)
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


def shows_certificate(host: str, trust: ssl.SSLContext) -> bool:
    """Say whether an edge shows a certificate that is trusted."""
    try:
        with (
            socket.create_connection((host, PORT), 1) as plain,
            trust.wrap_socket(plain, server_hostname=HOSTS[0]),
        ):
            return True
    except OSError:  # ssl.SSLError is one
        return False
