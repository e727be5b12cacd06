"""stack/.env: refused unless deploy.py and a shell, for a deployment by hand, read the same in every line."""

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from deployment.errors import DeployError

COMMENT = re.compile(r"\s*(#.*)?")
ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_]\w*)=(?P<rest>.*)", re.ASCII)
# What stands for itself to both readers; in front of a comment there are blanks.
VALUE = re.compile(
    r"""(?: '[^'\\]*' | "(?:[^"\\$`]|\\["\\])*" | [^\s'"\\$`;&|<>()~]* )"""
    r"""(?P<comment>[ \t]+\#.*)? [ \t]*""",
    re.VERBOSE,
)
SPACED = re.compile(r"[ \t]*(?:export[ \t]+)?\w+[ \t]+=")
NO_BLANK = "there must be no blank beside the equals sign"
QUOTES = "'\""


@dataclass(frozen=True)
class Line:
    """One assignment: where it stands, what it sets, and all that follows the equals sign."""

    number: int
    name: str
    rest: str


def read(path: Path, names: Collection[str], texts: Collection[str]) -> list[Line]:
    """Return the assignments of a file, none where there is no file.

    `names` are those that deploy.py reads, `texts` those of them for people: nothing of such a value may be
    taken for a comment. Raises DeployError naming file, line and reason where the two readers differ or a
    text would not be kept as it is written.
    """
    if not path.exists():
        return []
    lines = []
    for number, text in enumerate(_decoded(path).split("\n"), start=1):
        if COMMENT.fullmatch(text):
            continue
        found = ASSIGNMENT.fullmatch(text)
        problem = _problem(found["name"], found["rest"], names, texts) if found else _not_one(text)
        if problem or not found:
            raise _refused(path, number, problem)
        lines.append(Line(number, found["name"], found["rest"]))
    return lines


def warnings(path: Path, lines: list[Line], known: Collection[str]) -> list[str]:
    """Return what looks like a mistake: names that mean nothing here, and names that are set again."""
    found = []
    last: dict[str, int] = {}
    for line in lines:
        if line.name in last:
            found.append(
                f"{path}, line {line.number}: {line.name} is set again; line {last[line.name]} is void"
            )
        last[line.name] = line.number
        if line.name not in known:
            near = difflib.get_close_matches(line.name.upper(), known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            found.append(f"{path}, line {line.number}: {line.name} is no setting, so it is ignored{hint}")
    return found


def _decoded(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DeployError(
            f"{path} cannot be read: {error.strerror}.", "Run this as its owner, or as root."
        ) from error
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refused(
            path, line, f"it is not UTF-8 (byte {content[error.start]:#04x})", "Save the file as UTF-8"
        ) from error
    if text.startswith("\ufeff"):
        raise _refused(path, 1, "it begins with a byte order mark", "Save the file as UTF-8 without one")
    if "\r" in text:
        line = text.count("\n", 0, text.index("\r")) + 1
        raise _refused(path, line, "it has Windows line ends (CRLF)", f"sed -i 's/\\r$//' {path}")
    return text


def _not_one(text: str) -> str:
    return NO_BLANK if SPACED.match(text) else "it is neither NAME=VALUE nor a comment"


def _problem(name: str, rest: str, names: Collection[str], texts: Collection[str]) -> str:
    found = VALUE.fullmatch(rest)
    if name not in names and name.upper() in names:
        return f"{name} is written {name.upper()}"
    if found and "${" in rest:
        return f"deploy.py would put a variable's value in the place of ${{…}}{_otherwise(name)}"
    if found and found["comment"] and name in texts and rest[:1] not in QUOTES:
        return "what follows ` #` may be text or comment: put quotes around the text"
    if found:
        return ""
    if rest[:1] in (" ", "\t"):
        return NO_BLANK
    return f"a shell would read it otherwise than deploy.py{_better(name, rest)}"


def _better(name: str, rest: str) -> str:
    """Return how to write a value that was meant as it stands; quotes around it were meant as such."""
    value = rest.strip()
    if len(value) > 1 and value[0] in QUOTES and value[-1] == value[0]:
        value = value[1:-1]
    if not set(value) & set("'\\") and "${" not in value:
        return f": write {name}='{value}'"
    if not set(value) & set("$`"):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f': write {name}="{escaped}"'
    return _otherwise(name)


def _otherwise(name: str) -> str:
    return f": set {name} in the shell instead"


def _refused(path: Path, number: int, problem: str, remedy: str = "Correct that line") -> DeployError:
    return DeployError(
        f"{path}, line {number}: {problem}.",
        f"{remedy}, then run the same command again; nothing was done.",
    )
