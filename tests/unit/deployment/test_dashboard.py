"""Who may see the dashboard: accounts whose passwords are hashed, and never a password."""

from pathlib import Path

import pytest

from deployment.configuration import dashboard, settings
from deployment.configuration.settings import Settings
from deployment.errors import DeployError

HASH = f"$2y$05${'a' * 53}"
KEY = "dashboard_users"


@pytest.fixture(autouse=True)
def _no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)


@pytest.mark.parametrize(
    "text", [f"admin:{HASH}", f"admin:{HASH}\n\n", f"admin:{HASH}\r\n", f"a:{HASH}\nb.c-d:{HASH}\n"]
)
def test_accounts_are_taken_as_htpasswd_prints_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accounts"
    path.write_text(text, newline="")
    assert dashboard.accounts(str(path)) == str(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "hush",
        "admin:hush",
        f"{HASH}",
        "admin:$apr1$hush$" + "a" * 22,
        "admin:{SHA}hush",
        f"admin:$2y$11${'a' * 53}",
        f"admin:{HASH}\nhush",
    ],
)
def test_what_is_no_bcrypt_hash_or_takes_too_long_is_refused_and_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    path = tmp_path / "accounts"
    path.write_text(text)
    monkeypatch.setenv("DASHBOARD_HOST", "dashboard.localhost")
    monkeypatch.setenv("DASHBOARD_USERS_FILE", str(path))
    with pytest.raises(DeployError, match=r"DASHBOARD_USERS_FILE: .* does not hold NAME:HASH") as refused:
        settings.load()
    assert "hush" not in str(refused.value)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "accounts"
    path.write_bytes(b"\xff")
    with pytest.raises(ValueError, match="is not UTF-8"):
        dashboard.accounts(str(path))


def test_with_acme_its_host_needs_a_public_name(tmp_path: Path) -> None:
    path = tmp_path / "accounts"
    path.write_text(f"admin:{HASH}")
    given = {"domain": "example.org", "acme_email": "a@example.org", "dashboard_users_file": str(path)}
    with pytest.raises(DeployError, match="DASHBOARD_HOST needs a public name"):
        settings.load(**given, dashboard_host="dashboard.localhost")
    assert settings.load(**given, dashboard_host="dashboard.example.org").given == {KEY: path.read_bytes()}
