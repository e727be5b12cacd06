"""Certificates for servers inside, as a deployment makes them, in files that containers can mount."""

from pathlib import Path

from deployment.engine.swarm import certificates

AUTHORITY_FILE = "/etc/ssl/inside_ca.pem"
SERVER_FILE = "/run/secrets/server_tls"


class Inside:
    """An authority, and a certificate for each of some servers."""

    def __init__(self, folder: Path, *servers: str) -> None:
        self._folder = folder
        made = certificates.make_inside(servers)
        folder.mkdir(parents=True)
        for name, text in {"authority": made.authority, **made.servers}.items():
            (folder / name).write_bytes(text)
        for path in (folder, *folder.iterdir()):
            path.chmod(0o755)

    @property
    def authority(self) -> Path:
        """The file with the authority's certificate."""
        return self._folder / "authority"

    def client(self, mode: str = "verify-full") -> list[str]:
        """Return the options of `docker run` with which a container trusts the authority."""
        settings = ("--env", f"PGSSLMODE={mode}", "--env", f"PGSSLROOTCERT={AUTHORITY_FILE}")
        return [*settings, "--volume", f"{self.authority}:{AUTHORITY_FILE}:ro"]

    def server(self, name: str) -> list[str]:
        """Return the options of `docker run` with which a container is a server of this name."""
        return ["--volume", f"{self.pair(name)}:{SERVER_FILE}:ro"]

    def pair(self, name: str) -> Path:
        """Return the file with the key and the certificate of a server."""
        return self._folder / name
