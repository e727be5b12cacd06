"""Fetch the one file that the page takes from npm: of the version in package-lock.json, by its checksum."""

import base64
import hashlib
import io
import json
import tarfile
import urllib.request
from pathlib import Path

PACKAGE = "socket.io-client"
FILE = "package/dist/socket.io.esm.min.js"
URL = "https://registry.npmjs.org/{package}/-/{package}-{version}.tgz"
TIMEOUT_SECONDS = 60


def main() -> None:
    """Unpack the file into the working directory; raise ValueError if the package is not the locked one."""
    lock = json.loads(Path("package-lock.json").read_text())
    locked = lock["packages"][f"node_modules/{PACKAGE}"]
    url = URL.format(package=PACKAGE, version=locked["version"])
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - it is https
        package = answer.read()
    require(package, locked["integrity"], url)
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        archive.extract(FILE, filter="data")


def require(package: bytes, integrity: str, url: str) -> None:
    """Raise ValueError unless a package has its checksum (`sha512-…`, Subresource Integrity)."""
    algorithm, _, wanted = integrity.partition("-")
    if hashlib.new(algorithm, package).digest() != base64.b64decode(wanted):
        raise ValueError(f"{url} is not what package-lock.json says")


if __name__ == "__main__":
    main()
