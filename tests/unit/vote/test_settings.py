from __future__ import annotations

from pathlib import Path

import pytest

from vote import settings as configuration
from vote.options import parse_options
from vote.settings import Settings


@pytest.mark.parametrize(
    ("listed", "options"),
    [
        ("", {"a": "Cats", "b": "Dogs"}),
        ("  ", {"a": "Cats", "b": "Dogs"}),
        ("Tea, Coffee ,Water", {"a": "Tea", "b": "Coffee", "c": "Water"}),
        ("1,2,3,4,5,6,7,8,9,10", dict(zip("abcdefghij", map(str, range(1, 11)), strict=True))),
    ],
)
def test_options(listed: str, options: dict[str, str]) -> None:
    assert parse_options(listed, "Cats", "Dogs") == options


@pytest.mark.parametrize(
    ("keyed", "keys"), [("", "abc"), (" ", "abc"), ("c,a,b", "cab"), ("z, y ,x", "zyx"), ("a,b,c", "abc")]
)
def test_options_keep_their_keys_wherever_they_stand(keyed: str, keys: str) -> None:
    found = parse_options("Birds,Cats,Dogs", "", "", keyed)
    assert list(found.items()) == list(zip(keys, ["Birds", "Cats", "Dogs"], strict=True))


@pytest.mark.parametrize("keyed", ["a,b", "a,b,c,d", "a,b,b", "a,b,C", "a,b,", "a,b,cc", "a,b,1", "abc"])
def test_unsound_keys(keyed: str) -> None:
    with pytest.raises(ValueError, match="VOTE_OPTION_KEYS"):
        parse_options("Birds,Cats,Dogs", "", "", keyed)


@pytest.mark.parametrize(
    "listed", ["One", "1,2,3,4,5,6,7,8,9,10,11", "Cats,", "Cats,cats", "x" * 61 + ",y", ","]
)
def test_unsound_options(listed: str) -> None:
    with pytest.raises(ValueError, match="option"):
        parse_options(listed, "Cats", "Dogs")


def test_a_secret_comes_from_its_file_and_is_never_shown(settings: Settings) -> None:
    assert settings.redis_password == "hush"
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("REDIS_PASSWORD_FILE", None),
        ("REDIS_PASSWORD_FILE", "/nowhere"),
        ("COOKIE_KEY_FILE", "/dev/null"),
        ("REDIS_PORT", "many"),
        ("REDIS_TLS", None),
        ("REDIS_TLS", "true"),
        ("PORT", "0"),
        ("DRAIN_SECONDS", "-1"),
        ("VOTE_OPTIONS", "One"),
        ("OPTION_A", ""),
        ("VOTE_OPTION_KEYS", "a"),
        ("NEW_VOTERS_PER_SECOND", "-1"),
        ("NEW_VOTERS_BURST", "0"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("QUEUE_CONFIRMATIONS", "2"),
        ("QUEUE_CONFIRMATIONS", "-1"),
        ("QUEUE_CONFIRMATIONS", "no"),
        ("QUEUE_CONFIRMATIONS", ""),
    ],
)
@pytest.mark.usefixtures("settings")
def test_a_bad_setting_ends_the_start_with_its_name(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str | None,
) -> None:
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as ended:
        configuration.load()
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert variable in message
    assert message.count("\n") == 1


def test_secrets_do_not_appear_in_complaints(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VOTE_OPTIONS", "One")
    with pytest.raises(SystemExit):
        configuration.load()
    assert settings.redis_password not in capsys.readouterr().err


@pytest.mark.parametrize(("given", "confirmations"), [(None, 1), ("1", 1), ("0", 0)])
@pytest.mark.usefixtures("settings")
def test_a_vote_needs_a_replica_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, given: str | None, confirmations: int
) -> None:
    if given is not None:
        monkeypatch.setenv("QUEUE_CONFIRMATIONS", given)
    assert configuration.load().queue_confirmations == confirmations


def test_trusted_proxies_are_networks(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.trusted_proxies == ()
    monkeypatch.setenv("TRUSTED_PROXIES", "198.51.100.7, 2001:db8::/32")
    assert [str(network) for network in configuration.load().trusted_proxies] == [
        "198.51.100.7/32", "2001:db8::/32",
    ]  # fmt: skip
