"""Runs one copy.

Exit codes: 0 it was asked to end by SIGTERM; 1 a part of it failed; 2 a setting is missing or malformed;
3 a second SIGTERM came.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
import uuid
from wsgiref.types import WSGIApplication

import structlog
import waitress

from certificates import https, lifelong, logs, settings
from certificates.authority.authority import Authority
from certificates.authority.local import LocalAuthority
from certificates.environment import SettingError, refuse
from certificates.errors import ServiceError
from certificates.issuer import IDLE_SECONDS, Issuer
from certificates.keeper import Keeper
from certificates.settings import Settings
from certificates.signals import stop_on_signal
from certificates.state.database import FROZEN_SECONDS, Database
from certificates.state.lease import RENEWAL_SECONDS
from certificates.state.records import Records
from certificates.state.vault import Vault
from certificates.web import for_strangers, for_traefik

PUBLIC_PORT, PORT = 8080, 8081
# More than the edges let through at once.
CONNECTIONS = 1000
LOOK_SECONDS = 3.0
FIRST_LOOK_SECONDS = 5.0
# A stranger's question is not kept waiting for as long as one of ours.
ANSWER_SECONDS = 2.0

log = structlog.get_logger()


def main() -> None:
    """Serve until SIGTERM."""
    logs.configure()
    configured = settings.load()
    secured = _secured(configured)
    stop = stop_on_signal()
    holder = f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
    vault = Vault(configured.sealing_key)

    def database(seconds: float) -> Database:
        return Database(configured.database, seconds)

    ours = database(FROZEN_SECONDS)

    def records() -> Records:
        return Records(ours, vault, holder)

    own, local = records(), _local(configured)
    authority = _authority(configured, local, own)
    keeper = Keeper(authority.name, configured.names, records(), configured.folder, local)
    looked = threading.Event()
    lifelong.start(lambda: _keep(keeper, looked), "keeper")
    # What the database has is shown rather than what is only made for the time without it.
    looked.wait(FIRST_LOOK_SECONDS)
    _serve_strangers(for_strangers(Records(database(ANSWER_SECONDS), vault, holder)))
    traefik = https.Server(PORT, for_traefik(keeper, configured.provider_tokens), secured)
    lifelong.start(traefik.serve_forever, "https")
    log.info("certificates started", names=configured.names, authority=authority.name)
    issuer = Issuer(authority, configured.names, own)
    lifelong.start(lambda: _hold(issuer, records()), "lease")
    _issue(issuer, own, stop)
    log.info("certificates stopped")


def _secured(configured: Settings) -> ssl.SSLContext:
    """Return the TLS of a server that has its key and its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(configured.server_tls)
    except OSError as error:  # ssl.SSLError is one
        refuse(SettingError(f"SERVER_TLS_FILE: cannot use {configured.server_tls}: {error}"))
    return context


def _serve_strangers(app: WSGIApplication) -> None:
    """Answer in plain HTTP, by threads of its own."""

    def run() -> None:
        waitress.serve(
            app,
            host="0.0.0.0",  # noqa: S104
            port=PUBLIC_PORT,
            ident=None,
            connection_limit=CONNECTIONS,
        )

    lifelong.start(run, "http")


def _local(configured: Settings) -> LocalAuthority:
    try:
        return LocalAuthority(configured.local_certificate, configured.local_key, configured.local_life)
    except ValueError as error:
        refuse(SettingError(f"LOCAL_CA_FILE, LOCAL_CA_KEY_FILE: {error}"))


def _authority(configured: Settings, local: LocalAuthority, records: Records) -> Authority:
    if configured.acme is None:
        return local
    # 11 MiB of libraries for what an ACME server alone needs.
    from certificates.authority.acme import AcmeAuthority  # noqa: PLC0415
    from certificates.authority.proof import Dns01, Http01  # noqa: PLC0415
    from certificates.outside.hook import Hook  # noqa: PLC0415
    from certificates.outside.names import Resolver  # noqa: PLC0415

    resolver = Resolver(configured.dns_servers)
    proof = Dns01(Hook(configured.dns_hook), resolver) if configured.dns_hook else Http01(resolver)
    return AcmeAuthority(configured.acme, proof, resolver, records)


def _keep(keeper: Keeper, looked: threading.Event) -> None:
    """Look for newer certificates for ever."""
    said = ""
    while True:
        try:
            keeper.refresh()
            said = ""
        except ServiceError as error:
            if str(error) != said:
                log.warning("showing what is at hand", reason=str(error))
            said = str(error)
        looked.set()
        time.sleep(LOOK_SECONDS)


def _hold(issuer: Issuer, records: Records) -> None:
    """Go on with the lease while a turn takes long: a hook, or a server that is slow."""
    while True:
        time.sleep(RENEWAL_SECONDS)
        if issuer.busy.is_set():
            with contextlib.suppress(ServiceError):
                records.take_lease()


def _issue(issuer: Issuer, records: Records, stop: threading.Event) -> None:
    """Take turns until asked to stop, and let another copy go on at once."""
    wait = 0.0
    while not stop.wait(wait):
        try:
            wait = issuer.turn()
        except ServiceError as error:
            log.warning("no turn", reason=str(error))
            wait = IDLE_SECONDS
    with contextlib.suppress(ServiceError):
        records.release_lease()


if __name__ == "__main__":
    main()
