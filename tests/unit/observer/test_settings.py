from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from observer.settings import read
from worker.environment import SettingError

VARIABLES = ("REDIS_PASSWORD_FILE", "DATABASE_PASSWORD_FILE")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment that the stack file gives the observer."""
    for name in VARIABLES:
        (tmp_path / name).write_text(f"{name}\n")
    trustme.CA().cert_pem.write_to_path(tmp_path / "authority")
    accounts = {"REDIS_USERNAME": "observer", "DATABASE_USER": "observer", "REDIS_TLS": "no"}
    tls = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(tmp_path / "authority")}
    return accounts | tls | {name: str(tmp_path / name) for name in VARIABLES}


def test_it_has_an_account_of_its_own(environment: dict[str, str]) -> None:
    own = read(environment).access
    assert (own.redis_username, own.redis_password) == ("observer", "REDIS_PASSWORD_FILE")
    assert (own.database_user, own.database_passwords) == ("observer", ("DATABASE_PASSWORD_FILE",))


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_missing_secret_is_named(environment: dict[str, str], variable: str) -> None:
    with pytest.raises(SettingError, match=f"^{variable}: "):
        read(environment | {variable: "/nowhere"})


@pytest.mark.parametrize(("mode", "demanded"), [("verify-full", True), ("prefer", False)])
def test_agents_are_asked_as_the_database_is(environment: dict[str, str], mode: str, demanded: bool) -> None:
    assert read(environment | {"PGSSLMODE": mode}).trust.demanded is demanded


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PGSSLMODE", ""),
        ("PGSSLMODE", "require"),
        ("PGSSLROOTCERT", ""),
        ("PGSSLROOTCERT", "/nowhere"),
        ("PGSSLROOTCERT", "/dev/null"),
    ],
)
def test_a_bad_setting_of_tls_is_named(environment: dict[str, str], variable: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"^{variable}: "):
        read(environment | {variable: value})
