"""The two third-party images: pulled where a registry answers, otherwise built from packages."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import docker

from deployment import images, registry
from deployment.engine import apt_install, run_shown
from deployment.errors import DeployError
from deployment.images import COMPONENTS, Component
from deployment.layout import ROOT, STACK
from deployment.progress import Progress, Task

DEBIAN_SUITE = "trixie"
DEBIAN = f"debian:{DEBIAN_SUITE}-slim"
TRAEFIK = "traefik:v3.7.15"
DEBIAN_STANDIN = f"{STACK}/debian:{DEBIAN_SUITE}-packages"
TRAEFIK_STANDIN = f"{STACK}/traefik-standin:v3.7.15-packages"
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
Acquire::Languages "none";
"""


@dataclass(frozen=True)
class Bases:
    """Names of the third-party images that ours are built on."""

    debian: str
    traefik: str

    def of(self, component: Component) -> str:
        """Return the one that a component is built on."""
        return str(getattr(self, component.base))


def present(client: docker.DockerClient) -> Bases | None:
    """Return the base images that are already here, or None if one is missing."""
    debian, traefik = _here(client, DEBIAN_STANDIN, DEBIAN), _here(client, TRAEFIK_STANDIN, TRAEFIK)
    return Bases(debian, traefik) if debian and traefik else None


def provide(client: docker.DockerClient, progress: Progress) -> Bases:
    """Use the base images that are here; pull the others, or build stand-ins where no registry answers.

    A registry that answers, but refuses, is no reason for a stand-in unless the user agrees. Raises
    DeployError with the registry's words if not.
    """
    debian = _here(client, DEBIAN_STANDIN, DEBIAN) or _pulled(client, DEBIAN, progress)
    debian = debian or _debian_standin(client, progress)
    traefik = _here(client, TRAEFIK_STANDIN, TRAEFIK) or _pulled(client, TRAEFIK, progress)
    return Bases(debian, traefik or _traefik_standin(client, debian, progress))


def _here(client: docker.DockerClient, *names: str) -> str | None:
    return next((name for name in names if images.exists(client, name)), None)


def identity(client: docker.DockerClient, name: str) -> str:
    """Return the image's registry digest, or its local ID where it never came from a registry."""
    attributes = client.images.get(name).attrs
    return str((attributes["RepoDigests"] or [attributes["Id"]])[0])


def references(client: docker.DockerClient, bases: Bases) -> dict[Component, str]:
    """Return the name of every image of ours, built on `bases` from what is in the checkout now."""
    return {c: images.reference(c, identity(client, bases.of(c))) for c in COMPONENTS}


def _pulled(client: docker.DockerClient, name: str, progress: Progress) -> str | None:
    with progress.task(f"Asking a registry for {name}"):
        problem = registry.pull(client, name)
    if problem is None:
        return name
    if registry.silent(problem):
        progress.say(f"    no registry answers: a stand-in for {name} is built from packages")
    elif progress.agrees(
        f"The registry does not hand out {name}: {problem}\nBuild a stand-in from packages instead?"
    ):
        progress.say(f"    {problem}\n    as agreed, a stand-in for {name} is built from packages")
    else:
        raise DeployError(
            f"The registry does not hand out {name}: {problem}",
            "Mend that (after a limit wait or `docker login`; a proxy is a setting of the engine) and "
            "run this again. With `up --yes` a stand-in is built from packages instead.",
        )
    return None


def _debian_standin(client: docker.DockerClient, progress: Progress) -> str:
    with progress.task(f"Building {DEBIAN_STANDIN} with debootstrap") as task:
        if not shutil.which("debootstrap"):
            apt_install(task, "debootstrap")
        with tempfile.TemporaryDirectory(prefix=f"{STACK}-base-") as folder:
            _bootstrap(Path(folder), task)
            _import(client, folder, task)
    return DEBIAN_STANDIN


def _bootstrap(root: Path, task: Task) -> None:
    # apt-get inside the builds must trust what this machine trusts, a company's CA included.
    run_shown(
        task,
        ["debootstrap", "--variant=minbase", "--include=ca-certificates", DEBIAN_SUITE, str(root)],
    )
    target = root / "usr/local/share/ca-certificates"
    for certificate in HOST_AUTHORITIES.glob("*.crt"):
        shutil.copy(certificate, target)
    run_shown(task, ["chroot", str(root), "update-ca-certificates"])
    (root / "etc/apt/apt.conf.d/keep-nothing").write_text(KEEP_NOTHING)
    (root / "etc/dpkg/dpkg.cfg.d/no-documents").write_text(NO_DOCUMENTS)
    for folder in NOT_NEEDED:
        for entry in (root / folder).glob("*"):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _import(client: docker.DockerClient, folder: str, task: Task) -> None:
    task.detail("importing")
    changes = [f"ENV PIP_CERT={AUTHORITIES} NODE_EXTRA_CA_CERTS={AUTHORITIES}", 'CMD ["bash"]']
    repository, tag = DEBIAN_STANDIN.split(":")
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        subprocess.run(["tar", "-C", folder, "-c", "."], stdout=archive, check=True)
        client.api.import_image_from_file(archive.name, repository, tag, changes)


def _traefik_standin(client: docker.DockerClient, debian: str, progress: Progress) -> str:
    with progress.task(f"Building {TRAEFIK_STANDIN}") as task:
        images.build(client, ROOT / "traefik" / "standin", TRAEFIK_STANDIN, debian, task)
    return TRAEFIK_STANDIN
