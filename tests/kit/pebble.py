"""An ACME server of our own (pebble, which Let's Encrypt makes for tests), and the DNS that it asks."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import requests
import trustme

from certificates.outside.names import Resolver
from kit import containers
from kit.containers import docker
from kit.images import built
from kit.waiting import wait_until

PORT, MANAGEMENT_PORT = 14000, 15000
DNS_PORT, DNS_MANAGEMENT_PORT = 18053, 18055
HOST = "host"
START_SECONDS = 30
# The certificate names an address that the container has only once it runs.
RUN = 'until [ -e /pebble/config.json ]; do sleep 0.1; done; exec pebble -config /pebble/config.json "$@"'
# As an operator writes it: it sets TXT records, and takes them away.
HOOK = """#!{python}
import json, sys, urllib.request
action, name, value = sys.argv[1:]
what = {{"present": "set-txt", "cleanup": "clear-txt"}}[action]
body = json.dumps({{"host": name + ".", "value": value}}).encode()
urllib.request.urlopen("{management}/" + what, body, timeout=5)
"""
NOT_SERVED = ("-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-defaultIPv6", "")


@dataclass(frozen=True)
class AcmeServer:
    """A running server; `authorities` is a file with what signs for its address and what it issues."""

    container: str
    directory: str
    authorities: Path


@dataclass(frozen=True)
class DnsServer:
    """A running DNS server, which answers what it is told."""

    container: str
    address: str

    @property
    def server(self) -> tuple[str, int]:
        """Where it answers."""
        return self.address, DNS_PORT

    @property
    def management(self) -> str:
        """Where it is told what to answer."""
        return f"http://{self.address}:{DNS_MANAGEMENT_PORT}"

    def lead_to(self, address: str) -> None:
        """Let every name without an address of its own lead to one; the empty string: to none."""
        self._tell("set-default-ipv4", ip=address)

    def add_addresses(self, name: str, *addresses: str) -> None:
        """Give a name A and AAAA records."""
        for address in addresses:
            self._tell("add-aaaa" if ":" in address else "add-a", name, addresses=[address])

    def add_caa(self, name: str, *values: str) -> None:
        """Give a name CAA records of the tag `issue`."""
        self._tell("add-caa", name, policies=[{"tag": "issue", "value": value} for value in values])

    def write_hook(self, path: Path, python: str = "/usr/bin/env python3") -> None:
        """Make an executable that proves names by this server."""
        path.write_text(HOOK.format(python=python, management=self.management))
        path.chmod(0o755)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the TXT records of a name."""
        return Resolver((self.server,)).texts(name)

    def fail_at(self, name: str) -> None:
        """Answer SERVFAIL to every question about a name."""
        self._tell("set-servfail", name)

    def forget(self, name: str) -> None:
        """Forget all that was told about a name."""
        for kind in ("a", "aaaa", "caa", "txt", "servfail"):
            self._tell(f"clear-{kind}", name)

    def _tell(self, what: str, name: str = "", **values: object) -> None:
        # TXT records are kept by exactly the name that is asked for, which has a final dot.
        host = {"host": f"{name}."} if name else {}
        requests.post(f"{self.management}/{what}", json={**host, **values}, timeout=5).raise_for_status()


@contextmanager
def acme_server(
    dns: str,
    network: str = HOST,
    address: str = "",
    *,
    lifetime_seconds: int = 0,
    account_keys: Mapping[str, str] | None = None,
) -> Iterator[AcmeServer]:
    """Run pebble, which asks the DNS server at an address; give `address` for one in the host's network.

    Its certificates have a lifetime (0: five years); with keys, an account must be bound to one of them.
    """
    ask = ("-dnsserver", f"{dns}:{DNS_PORT}")
    with (
        TemporaryDirectory(prefix="vote-app-test-pebble-") as made,
        _running(network, "sh", "-c", RUN, "pebble", *ask, at=made) as name,
    ):
        address = address or containers.address(name)
        authority, trusted = trustme.CA(), Path(made, "authorities.pem")
        _configure(Path(made), authority.issue_cert(address, name), lifetime_seconds, account_keys or {})
        authority.cert_pem.write_to_path(trusted)
        root = f"https://{address}:{MANAGEMENT_PORT}/roots/0"
        wait_until(lambda: _answers(root, trusted), START_SECONDS, lambda: docker("logs", name))
        issuer = requests.get(root, verify=str(trusted), timeout=5).text
        trusted.write_text(trusted.read_text() + issuer)
        yield AcmeServer(name, f"https://{address}:{PORT}/dir", trusted)


@contextmanager
def dns_server(network: str = HOST, address: str = "") -> Iterator[DnsServer]:
    """Run a DNS server that knows no address yet; give `address` for one in the host's network."""
    answers = ("-dns01", f":{DNS_PORT}", "-defaultIPv4", "", "-management", f":{DNS_MANAGEMENT_PORT}")
    with _running(network, "pebble-challtestsrv", *NOT_SERVED, *answers) as name:
        server = DnsServer(name, address or containers.address(name))
        wait_until(lambda: _answers(server.management), START_SECONDS, lambda: docker("logs", name))
        yield server


def _configure(folder: Path, made: trustme.LeafCert, lifetime: int, keys: Mapping[str, str]) -> None:
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
        "certificateValidityPeriod": lifetime,
        "externalAccountBindingRequired": bool(keys),
        "externalAccountMACKeys": dict(keys),
    }
    complete = folder / "config.part"
    complete.write_text(json.dumps({"pebble": settings}))
    complete.rename(folder / "config.json")


@contextmanager
def _running(network: str, *command: str, at: str = "") -> Iterator[str]:
    """Run a command in a container with pebble's programs, and give the container's name."""
    name = f"vote-app-test-pebble-{uuid4().hex[:8]}"
    mounts = ("--volume", f"{at}:/pebble:ro") if at else ()
    # Every order has to prove its names anew.
    docker(
        *("run", "--detach", "--name", name, "--network", network),
        *("--env", "PEBBLE_VA_NOSLEEP=1", "--env", "PEBBLE_AUTHZREUSE=0"), *mounts, built("acme"), *command,
    )  # fmt: skip
    try:
        yield name
    finally:
        docker("rm", "--force", name)


def _answers(url: str, trusted: Path | None = None) -> bool:
    """Say whether a server speaks HTTP, whatever it says."""
    try:
        requests.get(url, verify=str(trusted) if trusted else None, timeout=2)
    except requests.ConnectionError:
        return False
    return True
