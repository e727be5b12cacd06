"""`deploy.py kit show`: what is in a kit, by name and age; never what a secret holds."""

from typing import Any

from deployment.plan.kit.contents import Contents, files_of
from deployment.plan.release.rotation import OTHER


def described(contents: Contents) -> dict[str, Any]:
    """Return what is in a kit, as `--json` prints it."""
    last = contents.deployment
    found = [*contents.secrets, *contents.configs]
    items = [item for item in found if not item.key.endswith(OTHER)]  # those hold a word that everybody knows
    return {
        "at": contents.at,
        "by": contents.by,
        "release": {
            "number": last.number,
            "identity": last.release.identity,
            "at": last.at,
            "source": last.source,
            "images": last.release.images,
        },
        "options": dict(contents.options.names) if contents.options else {},
        "settings": sorted({**contents.settings, **files_of(contents)}),
        "secrets": [{"key": one.key, "name": one.name, "created": one.created} for one in items],
    }


def lines(contents: Contents) -> list[str]:
    """Say it for people."""
    found = described(contents)
    release = found["release"]
    options = ", ".join(f"{key} is {name}" for key, name in found["options"].items())
    width = max(len(one["key"]) for one in found["secrets"])
    return [
        f"Recovery kit of {contents.at[:16].replace('T', ' ')} UTC, by {contents.by}",
        f"Release  {release['identity']}, number {release['number']}, of source {release['source']}",
        f"Options  {options or 'none'}",
        f"Settings {', '.join(found['settings']) or 'none that differ from the defaults'}",
        f"{len(found['secrets'])} secrets and certificates:",
        *(
            f"  {one['key']:<{width}}  since {one['created'][:16].replace('T', ' ')}"
            for one in found["secrets"]
        ),
    ]
