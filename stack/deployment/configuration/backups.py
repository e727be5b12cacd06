"""Where backups are kept: what a user sets, checked before all else; a bad value is a ValueError."""

import re
from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol

from deployment.configuration import secret_files

TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
ENDPOINT = re.compile(r"(https://)?(?P<host>[A-Za-z0-9.-]+)(:(?P<port>[1-9][0-9]{0,4}))?/?")
LARGEST_PORT = 65535
DIGITS = re.compile(r"[0-9.]+")
# What a machine calls itself: asked from inside a container, that is the container.
LOOPBACK = re.compile(r"localhost|.+\.localhost|127(\.[0-9]{1,3}){3}|0\.0\.0\.0")
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}")
REGION = re.compile(r"[A-Za-z0-9-]{1,40}")
ONE_LINE = re.compile(rb"[^\r\n]+\r?\n?")
S3 = "s3"


class Store(Protocol):
    """What is set about the store."""

    @property
    def backup_store(self) -> str:
        """Where they are kept, empty for nowhere."""

    backup_s3_endpoint: str
    backup_s3_bucket: str
    backup_s3_region: str
    backup_s3_key_file: str
    backup_s3_key_secret_file: str
    backup_s3_ca_file: str


NEEDED = ("backup_s3_endpoint", "backup_s3_bucket", "backup_s3_key_file", "backup_s3_key_secret_file")
"""What a store of that kind cannot do without."""
ONLY_S3 = (*NEEDED, "backup_s3_region", "backup_s3_ca_file")


def at(value: str) -> str:
    """Return hour and minute of a day in UTC."""
    if not TIME.fullmatch(value):
        raise ValueError(f"{value!r} is not an hour and minute of UTC such as 03:00")
    return value


def endpoint(value: str) -> str:
    """Return where a store is, host or host:port; it may be empty."""
    if not value:
        return ""
    found = ENDPOINT.fullmatch(value)
    if not found or int(found["port"] or 1) > LARGEST_PORT:
        raise ValueError(
            f"{value!r} is not a host such as s3.eu-central-1.amazonaws.com or minio.example.org:9000; "
            "it is reached by HTTPS alone, and of addresses only IPv4 is known"
        )
    address(found["host"])
    if LOOPBACK.fullmatch(found["host"].lower().removesuffix(".")):
        raise ValueError(
            f"{value!r} would lead to the container that makes the backups: give the name or the address by "
            "which other machines reach the store, which its certificate must have"
        )
    return value.removeprefix("https://").removesuffix("/")


def address(place: str) -> IPv4Address | None:
    """Return the address that an endpoint, host or host:port, begins with; None if that is a name."""
    host = place.partition(":")[0]
    return IPv4Address(host) if DIGITS.fullmatch(host) else None


def bucket(value: str) -> str:
    """Return the name of a bucket, which may be empty."""
    if value and not BUCKET.fullmatch(value):
        raise ValueError(f"{value!r} is not the name of a bucket")
    return value


def region(value: str) -> str:
    """Return the name of a region, which may be empty."""
    if value and not REGION.fullmatch(value):
        raise ValueError(f"{value!r} is not the name of a region such as eu-central-1")
    return value


def key(value: str) -> str:
    """Return the absolute path of a file that holds one line, without quoting it; there may be none."""
    if value and not ONE_LINE.fullmatch(secret_files.content(value)):
        raise ValueError(f"{value} must hold one line")
    return secret_files.absolute(value)


def authority(value: str) -> str:
    """Return the absolute path of a file with certificates, which may be empty."""
    if value and b"-----BEGIN CERTIFICATE-----" not in secret_files.content(value):
        raise ValueError(f"{Path(value)} holds no certificate as PEM")
    return secret_files.absolute(value)


def complain_of(store: Store) -> None:
    """Raise ValueError where what is set does not make one store."""
    if store.backup_store == S3:
        for name in NEEDED:
            if not getattr(store, name):
                raise ValueError(f"{name.upper()} is needed with BACKUP_STORE={S3}")
        return
    for name in ONLY_S3:
        if getattr(store, name):
            raise ValueError(f"{name.upper()} is only for BACKUP_STORE={S3}")
