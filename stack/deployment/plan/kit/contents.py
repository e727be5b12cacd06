"""What is in a recovery kit, and what of it becomes settings and files of a new machine."""

import base64
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from deployment.configuration.settings import Settings
from deployment.plan.release.history import Deployment
from deployment.plan.release.options import Options
from deployment.plan.release.release import Release, secret_variable

# What each machine has of its own, and what `up` decides by what it finds.
NOT_KEPT = ("ADVERTISE_ADDR", "VOTE_OPTION_KEYS", "REDIS_TLS", "DATABASE_SSLMODE")
# A setting that is a path, without saying so in its name.
HOOK = "acme_dns_hook"


@dataclass(frozen=True)
class Item:
    """A secret or a config of the Swarm; `data` is base64, and empty until the kit is sealed."""

    name: str
    key: str
    created: str  # RFC 3339
    labels: Mapping[str, str]
    data: str = field(default="", repr=False)

    @property
    def value(self) -> bytes:
        """What it holds."""
        return base64.b64decode(self.data)


@dataclass(frozen=True)
class Contents:
    """A kit: when and by whom it was made, secrets and configs in the order of their making, the release."""

    at: str  # RFC 3339
    by: str
    secrets: tuple[Item, ...]
    configs: tuple[Item, ...]
    options: Options | None
    deployment: Deployment
    settings: Mapping[str, str]


def absent(items: Sequence[Item], there: Collection[str]) -> list[Item]:
    """Return what is to be made again: nothing older than what is `there`, for the newest of a key counts."""
    found = []
    for number, item in enumerate(items):
        newer = {one.name for one in items[number + 1 :] if one.key == item.key}
        if item.name not in there and newer.isdisjoint(there):
            found.append(item)
    return found


def settings_of(chosen: Settings, release: Release) -> dict[str, str]:
    """Return the settings that the stack runs with, where they differ from the defaults.

    What the release says counts; of what it does not say, the settings of now. Files are not among them.
    """
    fields = {name.upper(): one for name, one in Settings.model_fields.items()}
    told = {name: value for name, value in release.variables.items() if name in fields}
    others = {name: _text(getattr(chosen, name.lower())) for name in fields if name not in told}
    found = {**others, **told, **_of_the_stack(release)}
    changed = {name: value for name, value in found.items() if value != _text(fields[name].default)}
    return {name: value for name, value in sorted(changed.items()) if not _left_out(name)}


def _of_the_stack(release: Release) -> dict[str, str]:
    """Return what no variable says, but the stack's files do."""
    variables = release.variables
    routing = {"ROUTING": "path"} if "DOMAIN" in variables else {}
    same = variables.get("PUBLIC_HTTPS_PORT") == variables.get("HTTPS_PORT")
    port = {"PUBLIC_HTTPS_PORT": ""} if same else {}
    return {"MONITORING": "true" if release.watched else "", **routing, **port}


def _left_out(name: str) -> bool:
    return name in NOT_KEPT or name.endswith("_FILE") or name == HOOK.upper()


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def files_of(contents: Contents) -> dict[str, bytes]:
    """Return what the release had from files of its user, by the setting that names each file."""
    release = contents.deployment.release
    found = dict(_authorities(release))
    # The last of a key counts: the newest, or an older one that the release has: somebody went back to it.
    for item in sorted(contents.secrets, key=lambda item: item.name in release.variables.values()):
        name = _setting(item.key)
        if name and secret_variable(item.key) in release.variables:
            found[name] = item.value
    return found


def _authorities(release: Release) -> Iterator[tuple[str, bytes]]:
    for name, value in release.variables.items():
        if name.endswith("_CA_FILE") and (text := release.files.get(f"stack/{value}")):
            yield name, text.encode()


def _setting(key: str) -> str:
    """Return the setting that names a file with this secret; the empty string if no file gives it."""
    # The secret redis_tls is a key, and REDIS_TLS a word: only settings that are paths count.
    names = (name for name in (f"{key}_file", *({key} & {HOOK})) if name in Settings.model_fields)
    return next(names, "").upper()


def env_lines(settings: Mapping[str, str], paths: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the lines of stack/.env, and the names of settings that no line can say."""
    lines = {name: _line(name, value) for name, value in {**settings, **paths}.items()}
    return [line for line in lines.values() if line], [name for name, line in lines.items() if not line]


def _line(name: str, value: str) -> str:
    if not {"'", "\\"} & set(value):
        return f"{name}='{value}'"
    if {"$", "`"} & set(value):
        return ""
    return f'{name}="{value.replace(chr(92), 2 * chr(92)).replace(chr(34), chr(92) + chr(34))}"'
