"""Each line of stack/.env is read alike by deploy.py and a shell, and as it is written, or it is refused."""

import re
import subprocess
from pathlib import Path

import pytest

from deployment.configuration import settings
from deployment.configuration.layout import ENV_FILE
from deployment.configuration.settings import Settings
from deployment.errors import DeployError

SHELL = 'set -a; . "$1"; set +a; printf %s "$VOTE_QUESTION"'


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / ".env"
    monkeypatch.setitem(Settings.model_config, "env_file", path)
    return path


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("'Who is #1?'", "Who is #1?"),
        ('"Who is #1?"', "Who is #1?"),
        ("'Who is #1?' # asked at the party", "Who is #1?"),
        ("#1?", "#1?"),
        ("Wer?", "Wer?"),
        ("Où?", "Où?"),
        ("a#b=c", "a#b=c"),
        ("'It costs $5, `really`'", "It costs $5, `really`"),
        ("'$$ $HOME \"quoted\" ! * {a,b} }}'", '$$ $HOME "quoted" ! * {a,b} }}'),
        ('"Who\'s next?"', "Who's next?"),
        ('"Who\'s \\"best\\"?"', 'Who\'s "best"?'),
        ('"a \\\\ b"', "a \\ b"),
        ("'猫 or 🐶?'", "猫 or 🐶?"),
        ("", ""),
        ("   ", ""),
        ("*?", "*?"),
    ],
)
@pytest.mark.parametrize("before", ["", "export ", "  "])
def test_both_readers_keep_what_is_written(file: Path, written: str, meant: str, before: str) -> None:
    file.write_text(f"# the question\n\n{before}VOTE_QUESTION={written}\n", encoding="utf-8")
    shell = subprocess.run(
        ["sh", "-c", SHELL, "sh", str(file)],
        capture_output=True,
        check=True,
        env={"HOME": "/", "LANG": "C.UTF-8"},
    )
    assert (settings.load().vote_question, shell.stdout.decode()) == (meant, meant)


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"VOTE_QUESTION=Who is #1?\n", 1, "write VOTE_QUESTION='Who is #1?'"),
        (b"VOTE_TITLE=Summer party\n", 1, "write VOTE_TITLE='Summer party'"),
        (b"\nOPTION_A=Cats #1\n", 2, "may be text or comment"),
        (b"OPTION_A=Cats & Dogs\n", 1, "write OPTION_A='Cats & Dogs'"),
        (b"OPTION_A=it's\n", 1, 'write OPTION_A="it\'s"'),
        (b"OPTION_A='it's'\n", 1, 'write OPTION_A="it\'s"'),
        (b'OPTION_A="$5"\n', 1, "write OPTION_A='$5'"),
        (b'OPTION_A="a `b`"\n', 1, "write OPTION_A='a `b`'"),
        (b"OPTION_A=\"$5 isn't much\n", 1, "set OPTION_A in the shell"),
        (b"OPTION_A='${HOME}'\n", 1, "a variable's value"),
        (b"OPTION_A=${HOME}\n", 1, "set OPTION_A in the shell"),
        (b"OPTION_A='a\\\\b'\n", 1, 'write OPTION_A="a\\\\\\\\b"'),
        (b'OPTION_A="a\\nb"\n', 1, "otherwise"),
        (b"OPTION_A='not closed\nOPTION_B=x\n", 1, "otherwise"),
        (b"OPTION_A='a'b\n", 1, "otherwise"),
        (b"OPTION_A='a'#b\n", 1, "otherwise"),
        (b"OPTION_A = Cats\n", 1, "no blank beside the equals sign"),
        (b"OPTION_A= Cats\n", 1, "no blank beside the equals sign"),
        (b"OPTION_A\n", 1, "neither NAME=VALUE nor a comment"),
        (b"OPTION-A=x\n", 1, "neither NAME=VALUE nor a comment"),
        (b"option_a=x\n", 1, "option_a is written OPTION_A"),
        (b"HTTP_PORT=80\r\nOPTION_A=Cats\r\n", 1, "Windows line ends"),
        (b"\xef\xbb\xbfOPTION_A=Cats\n", 1, "byte order mark"),
        (b"HTTP_PORT=80\nVOTE_TITLE='\xe9t\xe9'\n", 2, "not UTF-8 (byte 0xe9)"),
        (b"\xff\xfeO\0P\0", 1, "not UTF-8"),
    ],
)
def test_what_two_readers_take_differently_is_refused(
    file: Path, content: bytes, line: int, reason: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(DeployError) as refused:
        settings.load()
    assert f"{file}, line {line}: " in refused.value.what
    assert reason in refused.value.what
    assert refused.value.remedy


@pytest.mark.parametrize("name", settings.TEXTS)
def test_a_template_is_refused_with_its_line(file: Path, name: str) -> None:
    file.write_text(f"HTTP_PORT=80\n{name}='{{{{x}}}},Dogs'\n")
    with pytest.raises(DeployError) as refused:
        settings.load()
    assert f"{name}: {{{{ cannot be part of it" in refused.value.what
    assert f"({file}, line 2)" in refused.value.what


def test_a_value_that_is_refused_later_is_found_by_its_line(file: Path) -> None:
    file.write_text("OPTION_B=Dogs\nVOTE_OPTIONS=Cats\n")
    with pytest.raises(DeployError) as refused:
        settings.load()
    assert f"({file}, line 2)" in refused.value.what


def test_the_stack_s_promise_is_no_setting(file: Path) -> None:
    file.write_text("HTTP_PORT=80\nQUEUE_CONFIRMATIONS=0\n")
    with pytest.raises(DeployError) as refused:
        settings.load()
    assert "QUEUE_CONFIRMATIONS is for `deploy.py local` alone" in refused.value.what
    assert f"({file}, line 2)" in refused.value.what


def test_comments_after_numbers_are_fine(file: Path) -> None:
    file.write_text("HTTP_PORT=8080 # the usual one is taken\n")
    assert settings.load().http_port == 8080


def test_of_two_lines_the_last_counts_and_that_is_said(file: Path) -> None:
    file.write_text("OPTION_A=Cats\nOPTION_A=Tea\n")
    assert settings.load().option_a == "Tea"
    assert settings.warnings() == [f"{file}, line 2: OPTION_A is set again; line 1 is void"]


def test_a_name_that_means_nothing_is_said(file: Path) -> None:
    file.write_text("VOTE_TITEL=x\nVOTE_IMAGE=vote-app/vote:latest\nREDIS_MEMORY_LIMIT=768M\n")
    settings.load()
    assert settings.warnings() == [
        f"{file}, line 1: VOTE_TITEL is no setting, so it is ignored; did you mean VOTE_TITLE?"
    ]


def test_no_file_is_fine(file: Path) -> None:
    assert settings.load().option_a == "Cats"
    assert settings.warnings() == []


def test_the_example_is_sound_with_every_line_in_use(file: Path) -> None:
    example = ENV_FILE.with_name(".env.example").read_text(encoding="utf-8")
    file.write_text(re.sub(r"(?m)^#(?=[A-Z_]+=)", "", example), encoding="utf-8")
    assert settings.warnings() == []


def test_a_text_of_the_shell_is_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Who is #1? $HOME ${HOME} $$ `x` \"'\\ }}"
    monkeypatch.setenv("VOTE_QUESTION", text)
    assert settings.load().variables()["VOTE_QUESTION"] == text


@pytest.mark.parametrize(
    ("text", "reason"), [("{{x}}", "{{ cannot be part of it"), ("caf\udce9", "is not UTF-8")]
)
def test_a_text_of_the_shell_that_would_not_arrive_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    monkeypatch.setenv("VOTE_TITLE", text)
    with pytest.raises(DeployError) as refused:
        settings.load()
    assert reason in refused.value.what
    assert "(in the shell)" in refused.value.what
