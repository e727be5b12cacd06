"""Certificates for servers inside, as a deployment makes them, in files that containers can mount."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from deployment.engine.secrets import certificates

AUTHORITY_FILE = "/etc/ssl/inside_ca.pem"
SERVER_FILE = "/run/secrets/server_tls"


class Inside:
    """An authority, and a certificate for each of some servers."""

    def __init__(
        self, folder: Path, *servers: str, several: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._folder = folder
        made = certificates.make_inside({name: [name] for name in servers} | dict(several or {}))
        folder.mkdir(parents=True)
        for name, text in {"authority": made.authority, **made.servers}.items():
            (folder / name).write_bytes(text)
        for path in (folder, *folder.iterdir()):
            path.chmod(0o755)

    @property
    def authority(self) -> Path:
        """The file with the authority's certificate."""
        return self._folder / "authority"

    def file(self, server: str) -> Path:
        """Return the file with a server's key and its certificate."""
        return self._folder / server

    def client(self, mode: str = "verify-full", path: str = AUTHORITY_FILE) -> list[str]:
        """Return the options of `docker run` with which a container believes in a database's certificate."""
        settings = ("--env", f"PGSSLMODE={mode}", "--env", f"PGSSLROOTCERT={path}")
        return [*settings, "--volume", f"{self.authority}:{path}:ro"]

    def server(self, name: str) -> list[str]:
        """Return the options of `docker run` with which a container is a server of this name."""
        return ["--volume", f"{self.file(name)}:{SERVER_FILE}:ro"]
