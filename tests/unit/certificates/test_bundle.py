from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from certificates.state import bundle
from certificates.state.vault import Vault
from unit.certificates.made import NAMES, local_authority

VAULT = Vault("secret")
KEPT = [local_authority()[0].provisional(names) for names in (NAMES, NAMES[:1])]


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    bundle.write(tmp_path, VAULT, KEPT)
    assert bundle.read(tmp_path, VAULT) == KEPT


def test_the_next_one_takes_its_place(tmp_path: Path) -> None:
    following = [local_authority()[0].provisional(NAMES)]
    for shown in (KEPT, following):
        bundle.write(tmp_path, VAULT, shown)
    assert bundle.read(tmp_path, VAULT) == following
    assert [path.name for path in tmp_path.iterdir()] == [bundle.NAME]


def test_no_key_lies_there_open(tmp_path: Path) -> None:
    bundle.write(tmp_path, VAULT, KEPT)
    content = (tmp_path / bundle.NAME).read_text()
    assert "PRIVATE" not in content
    assert json.loads(content)["key_id"] == VAULT.key_id


def test_a_new_volume_has_none_and_that_is_no_news(tmp_path: Path) -> None:
    with capture_logs() as said:
        assert bundle.read(tmp_path, VAULT) == []
    assert said == []


def test_what_cannot_be_kept_leaves_what_was(tmp_path: Path) -> None:
    bundle.write(tmp_path, VAULT, KEPT)
    (tmp_path / f"{bundle.NAME}.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        bundle.write(tmp_path, VAULT, KEPT[:1])
    assert bundle.read(tmp_path, VAULT) == KEPT


def sealed(parts: object) -> str:
    return json.dumps({"sealed": VAULT.seal(json.dumps(parts), bundle.PURPOSE).hex()})


def whole(folder: Path) -> str:
    bundle.write(folder, VAULT, KEPT)
    return (folder / bundle.NAME).read_text()


BROKEN: dict[str, Callable[[Path], str]] = {
    "empty": lambda _: "",
    "cut": lambda folder: whole(folder)[:-20],
    "changed": lambda folder: whole(folder)[:-4] + '00"}',
    "another vault's": lambda _: json.dumps({"sealed": Vault("other").seal("[]", bundle.PURPOSE).hex()}),
    "no object": lambda _: "[]",
    "nothing sealed": lambda _: "{}",
    "no hexadecimal digits": lambda _: '{"sealed": "x"}',
    "sealed text of another kind": lambda _: sealed(7),
    "one alone, as it was kept once": lambda _: sealed({"authority": "acme", "chain": "", "key": ""}),
    "parts missing": lambda _: sealed([{"authority": "acme"}]),
    "no certificate": lambda _: sealed([{"authority": "acme", "chain": "", "key": ""}]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_read_is_said_and_done_without(case: str, tmp_path: Path) -> None:
    (tmp_path / bundle.NAME).write_text(BROKEN[case](tmp_path))
    with capture_logs() as said:
        assert bundle.read(tmp_path, VAULT) == []
    assert [each["event"] for each in said] == ["the certificates on this node's volume cannot be read"]


def test_a_folder_in_its_place_is_said_and_done_without(tmp_path: Path) -> None:
    (tmp_path / bundle.NAME).mkdir()
    assert bundle.read(tmp_path, VAULT) == []
