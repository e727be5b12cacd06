"""libpq's file follows the password that a server takes, whatever becomes of one look."""

from pathlib import Path

import pytest

from postgres_ha import passfile, postgres_config, tls
from postgres_ha.settings import Secrets, Settings

NODES = ("postgres-1", "postgres-2", "postgres-3")


class OverError(Exception):
    """Ends a loop."""


def test_a_file_that_cannot_be_written_is_written_later(
    tmp_path: Path, tls_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = Secrets("a", ("new", "old"), "c", "d", "e", "f", "g", "h", ("i",))
    settings = Settings("postgres-1", NODES, secrets, tls.load(tls_environment), tmp_path, tmp_path)
    written, tried = list[str](), list[str]()
    problems = iter([OSError("no room")])

    def write(_settings: Settings, password: str) -> None:
        for problem in problems:
            raise problem
        written.append(password)

    def takes(_host: str, password: str) -> bool:
        if written and len(tried) > 4:
            raise OverError
        tried.append(password)
        return password == "old"

    monkeypatch.setattr(passfile, "LOOK_SECONDS", 0)
    monkeypatch.setattr(passfile, "_takes", takes)
    monkeypatch.setattr(postgres_config, "write_passfile", write)
    with pytest.raises(OverError):
        passfile._keep(settings, lambda: None)
    assert written == ["old"]
    # Once it is known, only the good one is tried: a wrong one is a line in the server's log.
    assert tried == [*(["new", "old"] * 2), "old"]
