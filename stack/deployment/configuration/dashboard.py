"""Who may see Traefik's dashboard: a file of accounts, as `htpasswd -nB NAME` prints each."""

import re
from pathlib import Path

# With a higher cost strangers, who may guess ten times a second, would take the votes' processors.
ACCOUNT = re.compile(r"[A-Za-z0-9._-]+:\$2[aby]\$(0[5-9]|10)\$[./A-Za-z0-9]{53}")
HOW = "make it with `htpasswd -nB admin > FILE` (Debian's package apache2-utils)"


def accounts(value: str) -> str:
    """Return the absolute path of a file, if each of its lines is an account whose password is hashed.

    What is refused is not quoted: it may be a password.
    """
    if not value:
        return value
    path = Path(value).expanduser().resolve()
    try:
        lines = [line for line in path.read_text().splitlines() if line.strip()]
    except OSError as error:
        raise ValueError(f"cannot read {path} ({error.strerror}): {HOW}") from error
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8: {HOW}") from None
    if not lines or not all(ACCOUNT.fullmatch(line.strip()) for line in lines):
        raise ValueError(f"{path} does not hold NAME:HASH, by bcrypt with a cost of 5 to 10: {HOW}")
    return str(path)
