"""What the program beside the pages refuses: each in one line, before a vote is sent."""

import sys

import pytest

from seed import __main__ as program

PAGES = ("http://vote:8080/", "http://result:8080/")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*PAGES, "--votes", "0"), "argument --votes: must be at least 1"),
        ((*PAGES, "--votes", "many"), "argument --votes: invalid votes value: 'many'"),
        ((*PAGES, "--rate", "0"), "argument --rate: must be above 0"),
        ((*PAGES, "--rate", "nan"), "argument --rate: must be above 0"),
        (("https://vote/", PAGES[1]), "argument vote: must begin with http://"),
        (("http://vote:8080", PAGES[1]), "argument vote: must begin with http://"),
    ],
)
def test_a_wrong_word_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["seed", *arguments])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
