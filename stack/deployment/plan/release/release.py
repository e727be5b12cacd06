"""A release: the stack's files and the values of their variables, which is all that Swarm is told."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from deployment.configuration.documents import parsed
from deployment.configuration.layout import MONITORING

# `$$` is a dollar, `${NAME:-default}` a value or else the default, `${NAME:?text}` one that must be there.
VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?[^}]*)?\})")
# What the poll is about: it belongs to the votes, and no release brings back what was asked before.
POLL = (
    *("VOTE_TITLE", "VOTE_QUESTION", "OPTION_A", "OPTION_B", "VOTE_OPTIONS", "VOTE_OPTION_KEYS"),
    "VOTE_CLOSES",
)
# The key of a bucket belongs to that bucket, which a release names; see `plan.release.bucket`.
OF_BUCKET = ("backup_s3_key", "backup_s3_key_secret")
NAMED = ("secrets", "configs")
LONGEST_VALUE = 60
OF_SECRET = "_SECRET"

Tree = dict[str, Any]


@dataclass(frozen=True)
class Release:
    """Texts by path below the project's root, which of them make the stack, in their order, and variables."""

    stack: tuple[str, ...]
    files: Mapping[str, str]
    variables: Mapping[str, str]

    @cached_property
    def identity(self) -> str:
        """Hash of everything that Swarm would be told."""
        told = json.dumps([self.stack, sorted(self.files.items()), sorted(self.variables.items())])
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    @property
    def texts(self) -> list[str]:
        """Texts that make the stack, in the order in which they are merged."""
        return [self.files[path] for path in self.stack]

    @property
    def hosts(self) -> tuple[str, str]:
        """Host names of the two pages."""
        return self.variables["VOTE_HOST"], self.variables["RESULT_HOST"]

    @property
    def watched(self) -> bool:
        """Whether Prometheus is part of it."""
        return any(path.endswith(f"/{MONITORING}") for path in self.stack)

    @property
    def images(self) -> dict[str, str]:
        """Images that it runs, by the variable of each."""
        return {name: value for name, value in self.variables.items() if name.endswith("_IMAGE")}

    @property
    def pulled(self) -> bool:
        """Whether the nodes get its images from a registry."""
        return any("@" in image for image in self.images.values())

    @cached_property
    def services(self) -> dict[str, Tree]:
        """What each service is to be: all values filled in, and secrets and configs by their full names."""
        whole: Tree = {}
        for text in self.texts:
            whole = _joined(whole, parsed(text))
        whole = _filled(whole, self.variables)
        return {name: _named(service, whole) for name, service in whole["services"].items()}

    @property
    def secrets(self) -> list[str]:
        """Keys of the secrets and configs that it needs and does not bring along."""
        named = [found.get(kind, {}) for found in map(parsed, self.texts) for kind in NAMED]
        return sorted({key for parts in named for key, part in parts.items() if part.get("external")})

    def scaled(self, replicas: Mapping[str, int]) -> "Release":
        """Return it with other numbers of tasks, by their variable."""
        return self.having({variable: str(number) for variable, number in replicas.items()})

    def renewed(self, secrets: Mapping[str, str], poll: Mapping[str, str]) -> "Release":
        """Return it with the newest secrets, by key, and the poll as it is now: neither ever goes back.

        The key of a bucket stays.
        """
        named = {secret_variable(key): name for key, name in secrets.items() if key not in OF_BUCKET}
        newest = {variable: name for variable, name in named.items() if variable in self.variables}
        now = {name: poll[name] for name in POLL if name in poll}
        return self.having({**newest, **now})

    def having(self, variables: Mapping[str, str]) -> "Release":
        """Return it with other values of some variables."""
        return replace(self, variables={**self.variables, **variables})


def never_goes_back(variable: str) -> bool:
    """Say whether a variable has the value of today in every release: it names a secret, or the poll."""
    return variable.endswith(OF_SECRET) or variable in POLL


def replicas_variable(service: str) -> str:
    """Return the variable of the stack file that says how many tasks a service has."""
    return f"{service.upper()}_REPLICAS"


def secret_variable(key: str) -> str:
    """Return the variable of the stack file that names a secret."""
    return f"{key.upper()}{OF_SECRET}"


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """Fill in the variables of a text of a stack file as Docker does: an empty value counts as none."""

    def value(found: re.Match[str]) -> str:
        name = found["name"]
        return variables.get(name) or found["default"] or "" if name else "$"

    return VARIABLE.sub(value, text)


def _filled(tree: Any, variables: Mapping[str, str]) -> Any:
    """Fill in every text of a tree: Docker, too, reads the YAML first."""
    if isinstance(tree, dict):
        return {key: _filled(part, variables) for key, part in tree.items()}
    if isinstance(tree, list):
        return [_filled(part, variables) for part in tree]
    return interpolated(tree, variables) if isinstance(tree, str) else tree


def _joined(first: Any, second: Any) -> Any:
    """Merge two stack files as Docker does: maps by key, lists one after the other."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first | {key: _joined(first.get(key), part) for key, part in second.items()}
    return first + second if isinstance(first, list) and isinstance(second, list) else second


def _named(service: Tree, whole: Tree) -> Tree:
    """Return a service with the full names of its secrets and configs, which follow from their content."""
    for kind in NAMED:
        keys = [part["source"] if isinstance(part, dict) else part for part in service.get(kind, ())]
        service = service | {kind: {key: whole[kind][key]["name"] for key in keys}}
    return service


def reduced(text: str, service: str) -> str:
    """Return a file of the stack with this service at most; variables stay as they are written."""
    whole = parsed(text)
    kept = {name: part for name, part in whole.items() if not name.startswith("x-") and name != "services"}
    services = {name: part for name, part in whole.get("services", {}).items() if name == service}
    # JSON is YAML, and leaves no word open to be read as something else than a string.
    return json.dumps(kept | ({"services": services} if services else {}))


def changes(before: Release | None, after: Release) -> dict[str, str]:
    """Say how each service differs between two releases, by name: `add`, `remove` or `change: …`.

    Those that stay the same are not there.
    """
    old, new = before.services if before else {}, after.services
    lines = {name: _change(old.get(name), new.get(name)) for name in sorted({*old, *new})}
    return {name: line for name, line in lines.items() if line}


def _change(old: Tree | None, new: Tree | None) -> str:
    if old is None or new is None:
        return "add" if old is None else "remove"
    before, after = _flat(old), _flat(new)
    paths = [path for path in {**before, **after} if before.get(path) != after.get(path)]
    # The release's own name is on every service, and changes nothing that runs.
    told = [_difference(p, before.get(p), after.get(p)) for p in paths if not p.endswith("vote-app.release")]
    return f"change: {', '.join(told)}" if told else ""


def told(changed: Mapping[str, str]) -> list[str]:
    """Return changes as sentences, one for all services that change alike."""
    names: dict[str, list[str]] = {}
    for name, change in changed.items():
        names.setdefault(change, []).append(name)
    parts = ((change.partition(":"), ", ".join(those)) for change, those in names.items())
    return [f"{verb} {those}{colon}{rest}" for (verb, colon, rest), those in parts]


def _flat(tree: Any, path: str = "") -> dict[str, str]:
    """Return every leaf of a tree as text, by its path."""
    if isinstance(tree, dict):
        return {p: v for key, part in tree.items() for p, v in _flat(part, f"{path}.{key}").items()}
    return {path.removeprefix("."): tree if isinstance(tree, str) else json.dumps(tree)}


def _difference(path: str, old: str | None, new: str | None) -> str:
    kind, _, key = path.partition(".")
    if kind in NAMED:
        return f"{kind.removesuffix('s')} {key}"
    if kind == "image" and old and new and _short(old) != _short(new):
        return f"image {_short(old)} → {_short(new).rpartition(':')[2]}"
    values = ["nothing" if value is None else value for value in (old, new)]
    return f"{path.removeprefix('environment.')} {values[0]} → {values[1]}" if _fit(values) else path


def _fit(values: Sequence[str]) -> bool:
    return all(len(value) <= LONGEST_VALUE and "\n" not in value for value in values)


def _short(image: str) -> str:
    """Return an image's name without its registry and digest."""
    return image.partition("@sha256:")[0].rpartition("/")[2]
