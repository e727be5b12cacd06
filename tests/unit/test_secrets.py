"""One table of secret files, through every program that reads one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

import pytest

from unit.packages import PACKAGES, ROOT

KEY = "Correct-horse/battery+staple="
FOLDER = None
MISSING = ""
Content = bytes | str | None

CASES: dict[str, tuple[Content, str | None]] = {
    "no line end": (KEY.encode(), KEY),
    "LF": (f"{KEY}\n".encode(), KEY),
    "CRLF": (f"{KEY}\r\n".encode(), KEY),
    "two line ends": (f"{KEY}\n\n".encode(), None),
    "CR alone": (f"{KEY}\r".encode(), None),
    "two lines": (f"{KEY}\n{KEY}\n".encode(), None),
    "NUL": (f"{KEY}\0".encode(), None),
    "blank at the end": (f"{KEY} \n".encode(), f"{KEY} "),
    "blank at the beginning": (f" {KEY}\n".encode(), f" {KEY}"),
    "byte order mark": (f"\ufeff{KEY}\n".encode(), None),
    "byte order mark alone": ("\ufeff".encode(), None),
    "UTF-16": (f"{KEY}\n".encode("utf-16"), None),
    "Latin-1": (f"{KEY}é\n".encode("latin-1"), None),
    "empty": (b"", None),
    "LF alone": (b"\n", None),
    "CRLF alone": (b"\r\n", None),
    "missing": (MISSING, None),
    "folder": (FOLDER, None),
}
NODES = {
    "POSTGRES_NODES": "postgres-1,postgres-2,postgres-3",
    "REDIS_NODES": "redis-1,redis-2,redis-3",
    "SENTINEL_NODES": "sentinel-1,sentinel-2,sentinel-3",
    "REDIS_TLS": "no",
}
AUTHORITY = {"HOSTS": "vote.localhost", "ACME_EMAIL": "ops@example.org", "ACME_EAB_KID": "kid-1"}
# Their configuration has no way to write every character.
WITHOUT_BLANKS = {"redis_gate", "haproxy"}


class RefusedError(Exception):
    """A program does not start; the text is what it says."""


class Loader:
    """Reads the settings of one service, of which one secret is looked at."""

    def __init__(self, package: str, variable: str, function: str, *path: str | int) -> None:
        self.package, self.variable = package, variable
        self._function, self._path = function, path

    def __call__(self, environment: Mapping[str, str]) -> str:
        """Return the secret."""
        error = import_module(f"{self.package}.environment").SettingError
        read = getattr(import_module(f"{self.package}.settings"), self._function)
        try:
            found = read(environment)
        except error as refusal:
            raise RefusedError(str(refusal)) from None
        for name in self._path:
            indexed = isinstance(found, Mapping | tuple)
            found = found[name] if indexed else getattr(found, str(name))
        return str(found)


LOADERS = (
    Loader("vote", "REDIS_PASSWORD_FILE", "read", "redis_password"),
    Loader("vote", "COOKIE_KEY_FILE", "read", "cookie_keys", 0),
    Loader("vote", "PROBE_KEY_FILE", "read", "probe_keys", 0),
    Loader("prober", "PROBE_KEY_FILE", "read", "probe_key"),
    Loader("result", "DATABASE_PASSWORD_FILE", "read", "database_passwords", 0),
    Loader("worker", "REDIS_PASSWORD_FILE", "read", "access", "redis_password"),
    Loader("worker", "DATABASE_PASSWORD_FILE", "read", "access", "database_passwords", 0),
    Loader("redis_gate", "REDIS_WORKER_PASSWORD_FILE", "redis_settings", "cluster", "passwords", "worker"),
    Loader("postgres_ha", "AGENT_TOKEN_FILE", "load", "secrets", "agent_tokens", 0),
    Loader("pgpool_leader", "WORKER_PASSWORD_FILE", "load", "passwords", "worker", 0),
    Loader("certificates", "DATABASE_PASSWORD_FILE", "read", "database", "passwords", 0),
    Loader("certificates", "SEALING_KEY_FILE", "read", "sealing_key"),
    Loader("certificates", "PROVIDER_TOKEN_FILE", "read", "provider_tokens", 0),
    Loader("certificates", "ACME_EAB_HMAC_KEY_FILE", "read", "acme", "hmac_key"),
)
OTHERS = (
    *(
        f"REDIS_{name}_PASSWORD_FILE"
        for name in ("BALLOT", "VOTE", "WORKER", "OBSERVER", "MONITOR", "REPLICA")
    ),
    *(f"REDIS_{name}_PASSWORD_FILE" for name in ("SENTINEL", "PROXY")),
    *(f"{name}_PASSWORD_FILE" for name in ("POSTGRES", "REPMGR", "PGPOOL", "WORKER", "RESULT", "OBSERVER")),
    *("CERTIFICATES_PASSWORD_FILE", "MONITOR_PASSWORD_FILE"),
    *("REDIS_PASSWORD_FILE", "COOKIE_KEY_FILE", "DATABASE_PASSWORD_FILE", "AGENT_TOKEN_FILE"),
    *("SEALING_KEY_FILE", "PROVIDER_TOKEN_FILE", "ACME_EAB_HMAC_KEY_FILE"),
    *("LOCAL_CA_FILE", "LOCAL_CA_KEY_FILE"),
)


def expected(case: str, package: str) -> str | None:
    """Return the secret, None where it is refused."""
    secret = CASES[case][1]
    return None if secret and " " in secret and package in WITHOUT_BLANKS else secret


def check(
    case: str, package: str, variable: str, folder: Path, read: Callable[[Mapping[str, str]], str]
) -> None:
    """Write the file of a case, and see that its secret is read, or refused as every program refuses it."""
    content, path = CASES[case][0], folder / "secret"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is FOLDER:
        path.mkdir()
    if (secret := expected(case, package)) is not None:
        assert read({variable: str(path)}) == secret
        return
    with pytest.raises(RefusedError) as refused:
        read({variable: str(path)})
    said = str(refused.value)
    assert said.startswith(f"{variable}: ")
    assert str(path) in said
    assert "\n" not in said
    assert KEY not in said


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("loader", LOADERS, ids=lambda loader: f"{loader.package}-{loader.variable}")
def test_every_service_reads_a_secret_alike(
    loader: Loader, case: str, tmp_path: Path, tls_environment: dict[str, str]
) -> None:
    (tmp_path / "other").write_text("another-secret")
    around = {"NODE_NAME": "redis-1", "MAXMEMORY": "256mb", **NODES, **AUTHORITY, **tls_environment}
    if loader.package == "postgres_ha":
        around["NODE_NAME"] = "postgres-1"
    around |= dict.fromkeys(OTHERS, str(tmp_path / "other"))
    around |= {"VOTE_HOST": "vote.localhost", "RESULT_HOST": "result.localhost"}
    check(case, loader.package, loader.variable, tmp_path, lambda given: loader({**around, **given}))


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_while_a_secret_is_changed_another_is_good_beside_it(package: str, tmp_path: Path) -> None:
    module = import_module(f"{package}.environment")
    given = {"X_FILE": str(tmp_path / "secret")}
    (tmp_path / "secret").write_text("new")
    assert module.secrets(given, "X_FILE") == ("new",)
    (tmp_path / "secret_other").write_text("old\n")
    assert module.secrets(given, "X_FILE") == ("new", "old")
    for nothing in ("new", "none"):
        (tmp_path / "secret_other").write_text(nothing)
        assert module.secrets(given, "X_FILE") == ("new",)
    (tmp_path / "secret_other").write_text("new")
    assert module.secrets(given, "X_FILE") == ("new",)
    (tmp_path / "secret_other").write_text("")
    with pytest.raises(module.SettingError, match=r"X_FILE: .*secret_other is empty"):
        module.secrets(given, "X_FILE")


@pytest.mark.parametrize("case", CASES)
def test_haproxy_is_told_a_secret_as_the_services_read_it(case: str, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "haproxy").write_text('#!/bin/sh\n[ "$1" = -c ] || cat "$3"\n')
    (programs / "haproxy").chmod(0o755)
    around = {"PATH": f"{programs}:{os.environ['PATH']}", "HAPROXY_CONFIG": "/dev/null"}

    def read(given: Mapping[str, str]) -> str:
        entrypoint = ROOT / "redis-sentinel/haproxy/haproxy-entrypoint"
        ended = subprocess.run(
            ["bash", entrypoint], env={**around, **given}, capture_output=True, text=True, check=False
        )
        if ended.returncode:
            assert ended.returncode == 2
            raise RefusedError(ended.stderr.removesuffix("\n"))
        before, secret, after = ended.stdout.split("'")
        assert (before, after) == ("global\n  setenv REDIS_PROXY_PASSWORD ", "\n")
        return secret

    check(case, "haproxy", "REDIS_PROXY_PASSWORD_FILE", tmp_path, read)
