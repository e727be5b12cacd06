"""Another checkout like this one, to be changed and deployed."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from deployment.configuration.layout import ROOT

NOT_RELEASED = (".git", ".venv", ".*_cache", "__pycache__", "local-ca*.crt")


def copied(folder: Path) -> Path:
    """Return a copy of this checkout in a folder, without what belongs to no release."""
    target = folder / "checkout"
    return shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(*NOT_RELEASED))


def relabelled(folder: Path, components: Iterable[str]) -> Path:
    """Return a copy of this checkout in a folder, with other images of these components."""
    other = copied(folder)
    for each in components:
        with (other / each / "Dockerfile").open("a") as file:
            file.write("\nLABEL vote-app.other=true\n")
    return other
