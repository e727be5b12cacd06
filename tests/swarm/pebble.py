"""An ACME server of our own (pebble, which Let's Encrypt makes for tests), and the DNS that it asks."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import requests
import trustme

from deployment.engine.images import base, images
from deployment.engine.machine import engine
from deployment.progress import Progress
from kit.containers import docker
from kit.waiting import wait_until

IMAGE = "vote-app/pebble:test"
PORT, MANAGEMENT_PORT, DNS_PORT = 14000, 15000, 18053
START_SECONDS = 30


@dataclass(frozen=True)
class AcmeServer:
    """A running server; `authorities` is a file with what signs for its address and what it issues."""

    directory: str
    authorities: Path


@contextmanager
def acme_server(address: str, folder: Path) -> Iterator[AcmeServer]:
    """Run pebble on this machine's `address`; as long as there is no DNS, no name can be validated."""
    authority = trustme.CA()
    _configure(folder, authority.issue_cert(address))
    with _running(
        "pebble", "-config", "/pebble/config.json", "-dnsserver", f"127.0.0.1:{DNS_PORT}", at=folder
    ):
        trusted = folder / "authorities.pem"
        authority.cert_pem.write_to_path(trusted)
        root = f"https://{address}:{MANAGEMENT_PORT}/roots/0"
        wait_until(lambda: _answers(root, trusted), START_SECONDS, lambda: f"{root} does not answer")
        issuer = requests.get(root, verify=str(trusted), timeout=5).text
        trusted.write_text(trusted.read_text() + issuer)
        yield AcmeServer(f"https://{address}:{PORT}/dir", trusted)


@contextmanager
def dns(address: str) -> Iterator[None]:
    """Let every name lead to `address`."""
    off = ("-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "")
    answers = ("-dns01", f":{DNS_PORT}", "-defaultIPv4", address, "-defaultIPv6", "")
    with _running("pebble-challtestsrv", *off, *answers, "-management", ":18055"):
        yield


def _configure(folder: Path, made: trustme.LeafCert) -> None:
    made.private_key_pem.write_to_path(folder / "key.pem")
    made.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    settings = {
        "listenAddress": f"0.0.0.0:{PORT}",
        "managementListenAddress": f"0.0.0.0:{MANAGEMENT_PORT}",
        "certificate": "/pebble/certificate.pem",
        "privateKey": "/pebble/key.pem",
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
    }
    (folder / "config.json").write_text(json.dumps({"pebble": settings}))


@contextmanager
def _running(*command: str, at: Path | None = None) -> Iterator[None]:
    """Run one of pebble's programs in this machine's own network."""
    _build()
    name = f"vote-app-test-{command[0]}-{uuid4().hex[:8]}"
    mounts = ("--volume", f"{at}:/pebble:ro") if at else ()
    docker(
        *("run", "--detach", "--name", name, "--network", "host", "--env", "PEBBLE_VA_NOSLEEP=1"),
        *mounts, IMAGE, *command,
    )  # fmt: skip
    try:
        yield
    finally:
        docker("rm", "--force", name)


def _build() -> None:
    client = engine.require()
    bases = base.present(client)
    assert bases
    with Progress(quiet=True).task(IMAGE) as task:
        images.build(client, Path(__file__).parent / "acme", IMAGE, bases.debian, task)


def _answers(url: str, trusted: Path) -> bool:
    try:
        return requests.get(url, verify=str(trusted), timeout=2).ok
    except requests.ConnectionError:
        return False
