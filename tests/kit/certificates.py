"""Edges with copies of the certificates program, a database and an ACME server, in one Docker network."""

from __future__ import annotations

import secrets
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import trustme
import urllib3
from cryptography import x509
from psycopg.rows import dict_row

from deployment.configuration.layout import ROOT
from kit.acme_gate import Gate, gate_before
from kit.containers import UNWATCHED, address, create_network, docker, remove_network
from kit.edge import filled_in
from kit.images import reference
from kit.inside import AUTHORITY_FILE, SERVER_FILE, Inside
from kit.pebble import DnsServer, acme_server, dns_server
from kit.waiting import wait_until

NAMES = ("result.example.test", "vote.example.test")
TOKEN = "a-token"  # as the kit's edge knows it
STATIC = ROOT / "traefik" / "traefik.yaml"
DYNAMIC = ROOT / "traefik" / "dynamic.yaml"
EDGE_ENVIRONMENT = {
    "VOTE_HOST": NAMES[1],
    "RESULT_HOST": NAMES[0],
    "HTTPS_PORT": "443",
    "ACME_EMAIL": "somebody@example.test",
}
POSTGRES = f"""
set -e
install -m 600 {SERVER_FILE} /tmp/tls
bin=/usr/lib/postgresql/17/bin
export PGDATA=/tmp/data
if [ ! -e $PGDATA/ready ]; then
  rm -rf $PGDATA  # stopped half-way
  alone() {{ $bin/postgres --single "$1" >/dev/null; }}
  $bin/initdb --auth trust --username postgres --encoding UTF8 --locale C.UTF-8 >/dev/null
  echo 'hostssl votes certificates all scram-sha-256' >> $PGDATA/pg_hba.conf
  echo 'hostnossl votes certificates all reject' >> $PGDATA/pg_hba.conf
  echo 'host all all all trust' >> $PGDATA/pg_hba.conf
  printf "CREATE ROLE certificates LOGIN PASSWORD '$PASSWORD';\\n" | alone postgres
  printf 'CREATE ROLE observer LOGIN;\\nCREATE DATABASE votes;\\n' | alone postgres
  printf 'CREATE SCHEMA certificates AUTHORIZATION certificates;\\n' | alone votes
  touch $PGDATA/ready
fi
exec $bin/postgres -c listen_addresses='*' -c unix_socket_directories=/tmp \\
  -c ssl=on -c ssl_cert_file=/tmp/tls -c ssl_key_file=/tmp/tls
"""


class Edges:
    """Everything carries the prefix, and goes with `remove`."""

    def __init__(self, folder: Path) -> None:
        self.network = f"test-certificates-{uuid4().hex[:8]}"
        self.folder = folder
        create_network(self.network)
        self.authority = trustme.CA()
        self.inside = Inside(folder / "inside", "certificates", "pgpool")
        self.acme_folder = folder / "acme"
        secret = folder / "secrets"
        for each in (self.acme_folder, secret):
            each.mkdir()
        for name in ("postgres_certificates_password", "certificates_key"):
            (secret / name).write_text(secrets.token_hex(16))
        (secret / "certificates_token").write_text(TOKEN)
        (secret / Path(SERVER_FILE).name).touch()  # each copy's own is mounted there
        self.authority.private_key_pem.write_to_path(secret / "local_ca_key")
        self.authority.cert_pem.write_to_path(folder / "local_ca.pem")
        for path in (folder, self.acme_folder, secret, *secret.iterdir(), folder / "local_ca.pem"):
            path.chmod(0o755)

    def container(self, name: str) -> str:
        """The name of a container in the engine."""
        return f"{self.network}-{name}"

    def run(self, name: str, image: str, *options: str, command: tuple[str, ...] = ()) -> None:
        """Run a container under its own name; `command` replaces the image's own."""
        docker(
            *("run", "--detach", "--name", self.container(name), "--network", self.network, UNWATCHED),
            *("--network-alias", name, *options, image, *command),
        )

    def run_database(self) -> None:
        """Run PostgreSQL, alone; the program needs its password, and nobody else any."""
        password = (self.folder / "secrets" / "postgres_certificates_password").read_text()
        options = ("--entrypoint", "bash", "--network-alias", "pgpool", "--env", f"PASSWORD={password}")
        tls = self.inside.server("pgpool")
        self.run("postgres", reference("postgres"), *options, *tls, command=("-c", POSTGRES))

    def run_copy(self, edge: str, inside: Inside | None = None, **settings: str) -> None:
        """Run a copy of the program beside an edge, with the volume that it has there.

        Give `inside` for one that others do not know, and that does not know them.
        """
        inside = inside or self.inside
        self.run(
            f"copy-{edge}",
            reference("certificates"),
            *("--network-alias", "certificates", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"),
            *(
                "--volume",
                f"{self.container(edge)}:/data",
                "--volume",
                f"{self.folder / 'secrets'}:/run/secrets:ro",
            ),
            *inside.client(),
            *inside.server("certificates"),
            *("--volume", f"{self.folder / 'local_ca.pem'}:/etc/certificates/local_ca.pem:ro"),
            *("--volume", f"{self.acme_folder}:/authorities:ro", "--env", f"HOSTS={','.join(NAMES)}"),
            *_env(settings),
        )

    def run_edge(self, edge: str, inside: Inside | None = None) -> None:
        """Run Traefik on the ports 80 and 443 of its own address."""
        authority = (inside or self.inside).authority
        static = filled_in(STATIC.read_text(), EDGE_ENVIRONMENT)
        path = self.folder / f"{edge}.yaml"
        path.write_text(static.replace(":8080\n", ":80\n").replace(":8443", ":443"))
        path.chmod(0o644)
        self.run(
            edge,
            reference("traefik"),
            *(
                "--volume",
                f"{path}:/etc/traefik/traefik.yaml:ro",
                "--volume",
                f"{DYNAMIC}:/etc/traefik/dynamic.yaml:ro",
            ),
            *("--volume", f"{authority}:{AUTHORITY_FILE}:ro"),
            *("--entrypoint", "sh", *_env(EDGE_ENVIRONMENT)),
            command=("-c", "touch /tmp/log; tail -F /tmp/log & exec traefik"),
        )

    def kill(self, *names: str) -> None:
        """Remove containers as a power cut would; volumes stay."""
        docker("rm", "--force", *map(self.container, names), check=False)

    def run_stranger(self) -> None:
        """Run a web server that is not ours."""
        command = ("-m", "http.server", "80")
        self.run("stranger", reference("worker"), "--entrypoint", "python", "--user", "root", command=command)

    def stop(self, name: str) -> None:
        """End a container, which keeps its data."""
        docker("stop", "--time", "5", self.container(name))

    def start(self, name: str) -> None:
        """Start it again."""
        docker("start", self.container(name))

    def address(self, name: str) -> str:
        """Where a container is."""
        return address(self.container(name))

    def logs(self, name: str) -> str:
        """What a container has said."""
        return docker("logs", self.container(name), check=False)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Ask the database as its owner would."""
        with psycopg.connect(
            host=self.address("postgres"),
            dbname="votes",
            user="postgres",
            row_factory=dict_row,
            connect_timeout=5,
        ) as connection:
            return connection.execute(sql.encode()).fetchall()

    def status(self) -> dict[str, Any]:
        """Return what an operator is shown; empty while there is nothing."""
        try:
            return next(iter(self.rows("SELECT * FROM certificates.status")), {})
        except psycopg.Error:
            return {}

    def shown(self, edge: str) -> x509.Certificate | None:
        """Return the certificate that an edge shows for the vote page, whoever signed it."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with (
                socket.create_connection((self.address(edge), 443), 2) as raw,
                context.wrap_socket(raw, server_hostname=NAMES[1]) as secured,
            ):
                return x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
        except OSError:
            return None

    def provided(self, copy: str, inside: Inside | None = None) -> tuple[int, str] | None:
        """Return the status and the text that a copy answers Traefik; None while it does not."""
        authority = str((inside or self.inside).authority)
        pool = urllib3.PoolManager(
            ca_certs=authority, assert_hostname="certificates", retries=False, timeout=2
        )
        headers = {"Authorization": f"Bearer {TOKEN}"}
        try:
            answer = pool.request("GET", f"https://{self.address(copy)}:8081/traefik", headers=headers)
        except urllib3.exceptions.HTTPError:
            return None
        return answer.status, answer.data.decode()

    def valid(self, edge: str, trusted: str) -> bool:
        """Say whether an edge shows a certificate for each name that those take who trust `trusted`."""
        return all(self._valid(edge, name, trusted) for name in NAMES)

    def _valid(self, edge: str, name: str, trusted: str) -> bool:
        context = ssl.create_default_context(cadata=trusted)
        try:
            with socket.create_connection((self.address(edge), 443), 2) as raw:
                context.wrap_socket(raw, server_hostname=name).close()
        except OSError:  # ssl.SSLError is one
            return False
        return True

    def remove(self) -> None:
        """Leave nothing."""
        names = docker("ps", "--all", "--quiet", "--filter", f"network={self.network}").split()
        docker("rm", "--force", *names, check=False)
        volumes = docker("volume", "ls", "--quiet", "--filter", f"name={self.network}").split()
        docker("volume", "rm", *volumes, check=False)
        remove_network(self.network)


@dataclass(frozen=True)
class World:
    """Edges, and outside an ACME server behind a gate, and a DNS server."""

    edges: Edges
    gate: Gate
    dns: DnsServer
    authority: str  # signs for what the ACME server issues (PEM)

    def run(self, *names: str, **more: str) -> None:
        """Run edges, each with a copy that gets its certificates from the ACME server."""
        host, port = self.dns.server
        settings = {
            "ACME_EMAIL": "somebody@example.test",
            "ACME_SERVER": self.gate.directory,
            "ACME_CA_FILE": "/authorities/authorities.pem",
            "ACME_DNS": f"{host}:{port}",
        }
        for name in names:
            self.edges.run_copy(name, None, **settings, **more)
            self.edges.run_edge(name)

    def lead_to(self, *edges: str) -> None:
        """Let DNS name the addresses of edges for every name."""
        for name in NAMES:
            self.dns.forget(name)
            self.dns.add_addresses(name, *map(self.edges.address, edges))

    def wait_valid(self, *edges: str, seconds: float = 60) -> None:
        """Return once every edge shows the ACME server's certificate."""
        wait_until(
            lambda: all(self.edges.valid(edge, self.authority) for edge in edges),
            seconds,
            lambda: f"{self.edges.status()} {[self.edges.logs(f'copy-{edge}') for edge in edges]}",
        )


def _env(settings: Mapping[str, str]) -> list[str]:
    return [part for name, value in settings.items() for part in ("--env", f"{name}={value}")]


@contextmanager
def running_edges(folder: Path) -> Iterator[Edges]:
    """Make a network and a database in it, and leave nothing."""
    edges = Edges(folder)
    try:
        edges.run_database()
        yield edges
    finally:
        edges.remove()


@contextmanager
def running_world(
    folder: Path, lifetime_seconds: int = 0, account_keys: Mapping[str, str] | None = None
) -> Iterator[World]:
    """Do so, with an ACME server whose certificates live so long (0: for years)."""
    with (
        running_edges(folder) as edges,
        dns_server(edges.network) as dns,
        acme_server(
            dns.address, edges.network, lifetime_seconds=lifetime_seconds, account_keys=account_keys
        ) as acme,
        gate_before(acme, edges.network, edges.acme_folder) as gate,
    ):
        yield World(edges, gate, dns, acme.authorities.read_text())
