"""The two third-party images: pulled where a registry answers, otherwise built from packages."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import APIError

from deployment.configuration.layout import ROOT, STACK
from deployment.engine.images import images, packages, registry
from deployment.engine.images.images import COMPONENTS, Component
from deployment.engine.machine.engine import apt_install, run_shown
from deployment.errors import DeployError
from deployment.progress import Progress, Task

DEBIAN_SUITE = "trixie"
DEBIAN = f"debian:{DEBIAN_SUITE}-slim"
TRAEFIK = "traefik:v3.7.15"
DEBIAN_STANDIN = f"{STACK}/debian:{DEBIAN_SUITE}-packages"
TRAEFIK_STANDIN = f"{STACK}/traefik-standin:v3.7.15-packages"
DEBIAN_REFRESHED = f"{STACK}/debian:{DEBIAN_SUITE}-refreshed"
CANDIDATES = {name: f"{name}-candidate" for name in (DEBIAN_REFRESHED, TRAEFIK_STANDIN)}
# debootstrap leaves out where Debian's security updates are: beside the packages. A mirror may not have them.
UPDATES = rf"deb %s-security {DEBIAN_SUITE}-security main\ndeb %s {DEBIAN_SUITE}-updates main\n"
UPDATED = f"""\
ARG BASE
FROM ${{BASE}}
RUN set -e; more=/etc/apt/sources.list.d/updates.list; \\
    list=/etc/apt/sources.list; touch $list; \\
    mirror=$(awk '$1 == "deb" {{ sub("/$", "", $2); print $2; exit }}' $list); \\
    grep -qrs debian-security /etc/apt/sources.list* || printf '{UPDATES}' "$mirror" "$mirror" > $more; \\
    apt-get update --error-on=any || {{ rm $more; apt-get update --error-on=any; }}; \\
    apt-get upgrade -y --with-new-pkgs; \\
    rm -rf /var/lib/apt/lists/*
"""
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
    """Return the base images that are already here, or None if one is missing or older than what runs."""
    debian = _here(client, DEBIAN_REFRESHED, DEBIAN_STANDIN, DEBIAN)
    traefik = _here(client, TRAEFIK_STANDIN, TRAEFIK)
    if not debian or not traefik or packages.recorded(client) > packages.as_of(client, debian):
        return None
    return Bases(debian, traefik)


def provide(client: docker.DockerClient, progress: Progress) -> Bases:
    """Use the base images that are here; pull the others, or build stand-ins where no registry answers.

    A registry that answers, but refuses, is no reason for a stand-in unless the user agrees. Raises
    DeployError with the registry's words if not.
    """
    debian = _here(client, DEBIAN_REFRESHED, DEBIAN_STANDIN, DEBIAN) or _pulled(client, DEBIAN, progress)
    debian = debian or _debian_standin(client, progress)
    traefik = _here(client, TRAEFIK_STANDIN, TRAEFIK) or _pulled(client, TRAEFIK, progress)
    bases = Bases(debian, traefik or _traefik_standin(client, debian, progress))
    recorded = packages.recorded(client)
    if recorded and recorded > packages.as_of(client, debian):
        renewed(client, bases, recorded, progress)
        adopt(client)
    return present(client) or bases


def renewed(client: docker.DockerClient, bases: Bases, time: str, progress: Progress) -> Bases:
    """Make candidates for new base images, with the newest packages as of `time`; `adopt` or `reject` them.

    What came from a registry is asked for again.
    """
    origin = _here(client, DEBIAN_STANDIN) or DEBIAN
    for name in {origin, bases.traefik} & {DEBIAN, TRAEFIK}:
        with progress.task(f"Asking a registry for {name} again"), suppress(APIError):
            client.images.pull(name)
    with progress.task("Refreshing the Debian base") as task:
        _update(client, origin, CANDIDATES[DEBIAN_REFRESHED], task, time)
    if bases.traefik != TRAEFIK_STANDIN:
        return Bases(CANDIDATES[DEBIAN_REFRESHED], bases.traefik)
    _traefik_standin(client, CANDIDATES[DEBIAN_REFRESHED], progress, CANDIDATES[TRAEFIK_STANDIN])
    return Bases(*CANDIDATES.values())


def _update(client: docker.DockerClient, origin: str, name: str, task: Task, time: str) -> None:
    """Make an image with the newest packages of another one, and with the time of that in a label.

    The label is set before the packages are, so that nothing of an earlier build is taken for them.
    """
    label = f"LABEL {packages.AS_OF_LABEL}={time}\nRUN"
    with tempfile.TemporaryDirectory(dir=ROOT / "stack", prefix=".update-") as folder:
        (Path(folder) / "Dockerfile").write_text(UPDATED.replace("RUN", label if time else "RUN"))
        images.build(client, Path(folder), name, origin, task)


def adopt(client: docker.DockerClient) -> None:
    """Put the candidates into the place of the base images."""
    for name, candidate in CANDIDATES.items():
        if images.exists(client, candidate):
            client.images.get(candidate).tag(*name.split(":"))
    reject(client)


def reject(client: docker.DockerClient) -> None:
    """Take the candidates' names away; the base images stay what they are."""
    for candidate in CANDIDATES.values():
        if images.exists(client, candidate):
            client.images.remove(candidate, force=True)


def _here(client: docker.DockerClient, *names: str) -> str | None:
    return next((name for name in names if images.exists(client, name)), None)


def identity(client: docker.DockerClient, name: str) -> str:
    """Return the time of the image's refresh, or else its registry digest, or its local ID without one.

    The time is the same for all managers, each of which refreshes a base of its own.
    """
    if time := packages.as_of(client, name):
        return time
    attributes = client.images.get(name).attrs
    return str((attributes["RepoDigests"] or [attributes["Id"]])[0])


def references(
    client: docker.DockerClient, bases: Bases, components: Iterable[Component] = COMPONENTS
) -> dict[Component, str]:
    """Return the names of images of ours, built on `bases` from what is in the checkout now."""
    return {c: images.reference(c, identity(client, bases.of(c))) for c in components}


def named(references: Mapping[Component, str]) -> dict[str, str]:
    """Return the images by the names of their components."""
    return {component.name: image for component, image in references.items()}


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
        _update(client, DEBIAN_STANDIN, DEBIAN_STANDIN, task, time="")
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
    # A step that is cut short is not kept: no file need be on the disk at once. Debian's slim images have it.
    (root / "etc/dpkg/dpkg.cfg.d/no-sync").write_text("force-unsafe-io\n")
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


def _traefik_standin(
    client: docker.DockerClient, debian: str, progress: Progress, name: str = TRAEFIK_STANDIN
) -> str:
    with progress.task(f"Building {name}") as task:
        images.build(client, ROOT / "traefik" / "standin", name, debian, task)
    return name
