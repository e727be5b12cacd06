from pathlib import Path

import pytest

from kit.inside import Inside
from postgres_ha import tls
from postgres_ha.environment import SettingError


@pytest.mark.parametrize(("mode", "demanded"), [("verify-full", True), ("prefer", False)])
def test_the_mode_says_whether_anything_is_said_in_plain(
    tls_environment: dict[str, str], mode: str, demanded: bool
) -> None:
    assert tls.load(tls_environment | {"PGSSLMODE": mode}).demanded is demanded


@pytest.mark.parametrize("mode", ["verify-full", "prefer"])
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PGSSLMODE", ""),
        ("PGSSLMODE", "require"),
        ("PGSSLROOTCERT", ""),
        ("PGSSLROOTCERT", "/nonexistent"),
        ("PGSSLROOTCERT", "{empty}"),
        ("SERVER_TLS_FILE", "/nonexistent"),
        ("SERVER_TLS_FILE", "{empty}"),
        ("SERVER_TLS_FILE", "{authority}"),
    ],
)
def test_a_wrong_setting_is_named(
    tls_environment: dict[str, str], inside: Inside, tmp_path: Path, mode: str, variable: str, value: str
) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    wrong = value.format(empty=empty, authority=inside.authority)
    with pytest.raises(SettingError, match=variable) as refused:
        tls.load(tls_environment | {"PGSSLMODE": mode} | {variable: wrong})
    assert "\n" not in str(refused.value)
