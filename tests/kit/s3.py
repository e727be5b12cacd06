"""A store that speaks S3 over HTTPS, on this machine: SeaweedFS, which stands for any other."""

import json
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.containers import docker
from kit.images import absent
from kit.inside import Inside
from kit.services import free_port
from kit.waiting import wait_until

NAME, BUCKET = "store.test", "votes"
START_SECONDS = 60


class S3:
    """Where it is, by a host that its certificate has, and who may write to it."""

    def __init__(self, folder: Path, host: str, address: str) -> None:
        self.host, self.address, self.port = host, address, free_port()
        self._keys = Inside(folder / "keys", host)
        self.authority, self.certificate = self._keys.authority, self._keys.file(host)
        self.accounts = folder / "s3.json"
        self.process: subprocess.Popen[bytes] | None = None
        self.change_key()

    @property
    def settings(self) -> dict[str, str]:
        """Return what names it, as the runner of the backups and a stack's settings do."""
        return {
            "BACKUP_STORE": "s3",
            "BACKUP_S3_ENDPOINT": f"{self.host}:{self.port}",
            "BACKUP_S3_BUCKET": BUCKET,
        }

    def options(self) -> tuple[str, ...]:
        """Return the options of `docker run` with which the runner of the backups uses it."""
        told = self.settings | {"BACKUP_S3_REGION": "", "BACKUP_S3_CA_FILE": "/etc/ssl/store.pem"}
        return (
            *(part for name, value in told.items() for part in ("--env", f"{name}={value}")),
            *(
                "--volume",
                f"{self.authority}:/etc/ssl/store.pem:ro",
                "--add-host",
                f"{self.host}:{self.address}",
            ),
        )

    def secrets(self) -> dict[str, str]:
        """Return what it is reached with, by the secret's name."""
        return {"backup_s3_key": self.key, "backup_s3_key_secret": self.secret}

    def change_key(self) -> None:
        """Let nobody in any more but with another key."""
        self.key, self.secret = secrets.token_hex(10), secrets.token_hex(20)
        credentials = [{"accessKey": self.key, "secretKey": self.secret}]
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        told = {"identities": [{"name": "backup", "credentials": credentials, "actions": actions}]}
        self.accounts.write_text(json.dumps(told))
        if self.process:
            self.process.send_signal(signal.SIGHUP)

    def answers(self) -> bool:
        """Whether somebody can be reached there."""
        try:
            socket.create_connection((self.address, self.port), 2).close()
        except OSError:
            return False
        return True


@contextmanager
def serving(folder: Path, address: str, host: str = NAME) -> Iterator[S3]:
    """Serve an empty bucket at an address of this machine; the certificate is for a name, or an address."""
    weed = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if weed is None:
        absent("no SeaweedFS: install tests/requirements.lock")
    found = S3(folder, host, address)
    (folder / "data").mkdir()
    ports = {name: (free_port(), free_port()) for name in ("master", "volume", "filer", "s3")}
    command = [
        weed, "server", f"-dir={folder / 'data'}", f"-ip={address}", f"-ip.bind={address}", "-s3",
        *(f"-{name}.port={port}" for name, (port, _) in ports.items()),
        *(f"-{name}.port.grpc={grpc}" for name, (_, grpc) in ports.items()),
        f"-s3.port.https={found.port}", f"-s3.config={found.accounts}",
        f"-s3.cert.file={found.certificate}", f"-s3.key.file={found.certificate}",
        "-master.volumeSizeLimitMB=64", "-s3.port.iceberg=0", "-s3.port.lance=0",
    ]  # fmt: skip
    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_until(found.answers, START_SECONDS, (folder / "log").read_text)
            places = (f"-{n}={address}:{ports[n][0]}.{ports[n][1]}" for n in ("master", "filer"))
            create = f"s3.bucket.create -name {BUCKET}\n"
            subprocess.run([weed, "shell", *places], input=create.encode(), check=True, capture_output=True)
            found.process = process
            yield found
        finally:
            process.terminate()


def gateway(network: str) -> str:
    """Return where containers of a network reach this machine."""
    return docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", network)
