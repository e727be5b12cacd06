from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from certificates import settings
from certificates.environment import SettingError
from certificates.settings import LETS_ENCRYPT, Settings

Variables = dict[str, str]
SECRETS = ("DATABASE_PASSWORD_FILE", "SEALING_KEY_FILE", "PROVIDER_TOKEN_FILE")
FILES = (*SECRETS, "LOCAL_CA_FILE", "LOCAL_CA_KEY_FILE")


@pytest.fixture
def variables(tmp_path: Path) -> Variables:
    """Return what must be set; each file holds its variable's name in small letters."""
    for name in (*FILES, "ACME_EAB_HMAC_KEY_FILE"):
        (tmp_path / name).write_text(name.lower())
    return {"HOSTS": "vote.example.org,result.example.org", **{name: str(tmp_path / name) for name in FILES}}


def read(variables: Variables, **more: str) -> Settings:
    return settings.read({**variables, **more})


def test_defaults_fit_the_stack(variables: Variables) -> None:
    found = read(variables)
    assert found.names == ("result.example.org", "vote.example.org")
    assert (found.acme, found.dns_servers, found.dns_hook) == (None, (), "")
    assert found.local_life == timedelta(days=90)
    where = found.database
    assert (where.host, where.port, where.name, where.user) == ("pgpool", 5432, "votes", "certificates")
    assert found.folder == Path("/data")


def test_files_are_read(variables: Variables) -> None:
    found = read(variables)
    assert (found.local_certificate, found.local_key) == ("local_ca_file", "local_ca_key_file")
    assert found.database.passwords == ("database_password_file",)
    assert (found.sealing_key, found.provider_tokens) == ("sealing_key_file", ("provider_token_file",))


NAMES = {
    "a.example": ("a.example",),
    "a.example,a.example": ("a.example",),
    "B.example, a.example ,": ("a.example", "b.example"),
    "vote-1.example": ("vote-1.example",),
    "localhost": ("localhost",),
}


@pytest.mark.parametrize("listed", NAMES)
def test_one_set_of_names_is_one_order(listed: str, variables: Variables) -> None:
    assert read(variables, HOSTS=listed).names == NAMES[listed]


def test_with_an_address_for_its_mails_an_acme_server_signs(variables: Variables) -> None:
    found = read(variables, ACME_EMAIL=" ops@example.org ").acme
    assert found is not None
    assert (found.directory, found.email, found.profile) == (LETS_ENCRYPT, "ops@example.org", "")
    assert (found.key_identifier, found.hmac_key) == ("", "")


def test_everything_about_the_acme_server_can_be_set(variables: Variables, tmp_path: Path) -> None:
    found = read(
        variables,
        ACME_EMAIL="ops@example.org",
        ACME_SERVER=" https://acme.example/directory ",
        ACME_PROFILE="shortlived",
        ACME_DNS="192.0.2.53:5353",
        ACME_DNS_HOOK="/run/secrets/hook",
        ACME_EAB_KID="kid-1",
        ACME_EAB_HMAC_KEY_FILE=str(tmp_path / "ACME_EAB_HMAC_KEY_FILE"),
    )
    assert found.acme is not None
    assert found.acme.directory == "https://acme.example/directory"
    assert (found.acme.profile, found.acme.key_identifier) == ("shortlived", "kid-1")
    assert found.acme.hmac_key == "acme_eab_hmac_key_file"
    assert (found.dns_servers, found.dns_hook) == ((("192.0.2.53", 5353),), "/run/secrets/hook")


@pytest.mark.parametrize("empty", ["ACME_SERVER", "ACME_PROFILE", "ACME_EAB_KID", "ACME_CA_FILE"])
def test_an_empty_variable_is_as_good_as_none(empty: str, variables: Variables) -> None:
    assert read(variables, ACME_EMAIL="x@example.org", **{empty: ""}) == read(
        variables, ACME_EMAIL="x@example.org"
    )


BAD = (
    ("HOSTS", ""),
    ("HOSTS", " , "),
    ("HOSTS", "vote.example.org,vote example.org"),
    ("HOSTS", "*.example.org"),
    ("HOSTS", "https://vote.example.org"),
    ("HOSTS", "-vote.example.org"),
    ("HOSTS", "vöte.example.org"),
    ("ACME_DNS", "dns.example.org"),
    ("DATABASE_HOST", ""),
    ("DATABASE_PORT", "0"),
    ("DATABASE_PORT", "65536"),
    ("DATABASE_PORT", "many"),
    ("DATABASE_NAME", " "),
    ("DATABASE_USER", ""),
    ("LOCAL_LIFE_SECONDS", "9"),
    ("LOCAL_LIFE_SECONDS", "-1"),
    ("LOCAL_LIFE_SECONDS", "90d"),
    ("LOCAL_LIFE_SECONDS", str(86400 * 800 + 1)),
    ("STATE_FOLDER", ""),
    *((name, "") for name in FILES),
    *((name, "/nowhere") for name in FILES),
    *((name, "/dev/null") for name in SECRETS),
)


@pytest.mark.parametrize(("variable", "value"), BAD)
def test_a_bad_setting_is_named(variable: str, value: str, variables: Variables) -> None:
    with pytest.raises(SettingError, match=f"^{variable}: "):
        read(variables, **{variable: value})


@pytest.mark.parametrize("variable", ["HOSTS", *FILES])
def test_a_missing_setting_is_named(variable: str, variables: Variables) -> None:
    del variables[variable]
    with pytest.raises(SettingError, match=f"^{variable}: "):
        settings.read(variables)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ACME_SERVER", "acme.example/directory"),
        ("ACME_SERVER", "https://"),
        ("ACME_SERVER", "https://["),
        ("ACME_SERVER", "ftp://acme.example/directory"),
        ("ACME_CA_FILE", "/nowhere"),
        ("ACME_CA_FILE", "/"),
    ],
)
def test_a_bad_setting_about_the_acme_server_is_named(
    variable: str, value: str, variables: Variables
) -> None:
    with pytest.raises(SettingError, match=f"^{variable}: "):
        read(variables, ACME_EMAIL="x@example.org", **{variable: value})


def test_an_external_account_needs_its_key(variables: Variables) -> None:
    with pytest.raises(SettingError, match=r"^ACME_EAB_HMAC_KEY_FILE: not set$"):
        read(variables, ACME_EMAIL="x@example.org", ACME_EAB_KID="kid-1")


def test_a_key_that_is_no_pem_text_is_named_without_its_content(variables: Variables, tmp_path: Path) -> None:
    (tmp_path / "LOCAL_CA_KEY_FILE").write_bytes(b"\xff\xfehush")
    with pytest.raises(SettingError, match=r"^LOCAL_CA_KEY_FILE: ") as refused:
        settings.read(variables)
    assert "hush" not in str(refused.value)


def test_no_secret_is_ever_shown(variables: Variables, tmp_path: Path) -> None:
    shown = repr(
        read(
            variables,
            ACME_EMAIL="x@example.org",
            ACME_EAB_KID="kid-1",
            ACME_EAB_HMAC_KEY_FILE=str(tmp_path / "ACME_EAB_HMAC_KEY_FILE"),
        )
    )
    assert "kid-1" in shown
    for name in (*SECRETS, "LOCAL_CA_KEY_FILE", "ACME_EAB_HMAC_KEY_FILE"):
        assert name.lower() not in shown


def test_the_program_ends_with_one_line(
    variables: Variables, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {**variables, "HOSTS": ""}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        settings.load()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "HOSTS: no host name\n"
