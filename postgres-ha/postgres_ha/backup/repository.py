"""The text of pgBackRest's configuration, of the runner and of a data node."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from postgres_ha.backup.store import Bucket, Settings

STANZA = "votes"
HOST, PORT = "backup", 8432
# What the certificates of the runner and of the data nodes call themselves.
RUNNER, NODE = "backup", "postgres"
NODE_RUNTIME = Path("/tmp/postgres-ha")  # noqa: S108
NODE_CONF = NODE_RUNTIME / "pgbackrest.conf"
NODE_DATA = Path("/data/pgdata")
RUNNER_CONF = Path("/run/backup/pgbackrest.conf")
# A store in which nothing is stored any more must not fill the disk that votes are written to.
MOST_WAITING_BYTES = 16 * 2**30
IO_SECONDS, CONNECT_SECONDS = 20, 3
# What reaches the data nodes. Without these sections a restore is one into a folder of the runner.
ONLINE = ("backup", "stanza-create", "stanza-upgrade", "check")


def runner_conf(settings: Settings) -> str:
    """Return the runner's configuration: the store, its key, and how to reach the data nodes."""
    common: dict[str, object] = {
        **_log(settings.runtime, "info"),
        **_server(settings.runtime / "server.pem", settings.authority, NODE),
        **(_s3(settings.bucket) if settings.bucket else {"repo1-path": settings.repository}),
        "repo1-cipher-type": "aes-256-cbc",
        "repo1-cipher-pass": settings.key,
        "repo1-bundle": "y",
        "repo1-block": "y",
        "repo1-retention-full": 2,
        "compress-type": "zst",
        "process-max": 2,
        # How long a data node that is away holds up a backup.
        "io-timeout": IO_SECONDS,
        "start-fast": "y",
        "backup-standby": "prefer",
    }
    own: dict[str, object] = {"pg1-path": settings.scratch / "pgdata"}
    online = dict.fromkeys((f"{STANZA}:{command}" for command in ONLINE), _nodes(settings))
    return _text({"global": common, STANZA: own, **online})


def node_conf(certificate: Path, authority: Path, most_waiting: int) -> str:
    """Return a data node's configuration: the runner, which it sends its WAL to, and who may read it."""
    common: dict[str, object] = {
        **_log(NODE_RUNTIME, "warn"),
        **_server(certificate, authority, RUNNER),
        "repo1-host": HOST,
        "repo1-host-type": "tls",
        "repo1-host-port": PORT,
        "repo1-host-config": RUNNER_CONF,
        "repo1-host-cert-file": certificate,
        "repo1-host-key-file": certificate,
        "repo1-host-ca-file": authority,
        # How long one try to reach the runner takes. The server makes three in a row, also before it stops.
        "io-timeout": CONNECT_SECONDS,
        "archive-push-queue-max": most_waiting,
        "compress-type": "zst",
    }
    own: dict[str, object] = {"pg1-path": NODE_DATA, "pg1-socket-path": NODE_RUNTIME, "pg1-user": "postgres"}
    return _text({"global": common, STANZA: own})


def most_waiting(disk_bytes: int) -> int:
    """Return how many bytes of WAL may wait for a store that is away: a quarter of the disk at most."""
    return min(MOST_WAITING_BYTES, disk_bytes // 4)


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else may read, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def _log(runtime: Path, level: str) -> dict[str, object]:
    return {"log-level-console": level, "log-level-file": "off", "lock-path": runtime / "lock"}


def _server(certificate: Path, authority: Path, client: str) -> dict[str, object]:
    return {
        "tls-server-address": "*",
        "tls-server-port": PORT,
        "tls-server-cert-file": certificate,
        "tls-server-key-file": certificate,
        "tls-server-ca-file": authority,
        "tls-server-auth": f"{client}={STANZA}",
    }


def _nodes(settings: Settings) -> dict[str, object]:
    found: dict[str, object] = {}
    for number, node in enumerate(settings.nodes, 1):
        found |= {
            f"pg{number}-host": node,
            f"pg{number}-host-type": "tls",
            f"pg{number}-host-port": PORT,
            f"pg{number}-host-config": NODE_CONF,
            f"pg{number}-host-cert-file": settings.runtime / "server.pem",
            f"pg{number}-host-key-file": settings.runtime / "server.pem",
            f"pg{number}-host-ca-file": settings.authority,
            f"pg{number}-path": NODE_DATA,
            f"pg{number}-socket-path": NODE_RUNTIME,
            f"pg{number}-user": "postgres",
        }
    return found


def _s3(bucket: Bucket) -> dict[str, object]:
    return {
        "repo1-type": "s3",
        "repo1-path": "/vote-app",
        "repo1-s3-endpoint": bucket.host,
        "repo1-storage-port": bucket.port,
        "repo1-s3-bucket": bucket.name,
        "repo1-s3-region": bucket.region,
        "repo1-s3-uri-style": "path",
        "repo1-s3-key": bucket.key,
        "repo1-s3-key-secret": bucket.key_secret,
        **({"repo1-storage-ca-file": bucket.authority} if bucket.authority else {}),
    }


def _text(sections: Mapping[str, Mapping[str, object]]) -> str:
    parts: Sequence[str] = [
        "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in options.items()), ""])
        for name, options in sections.items()
    ]
    return "\n".join(parts)
