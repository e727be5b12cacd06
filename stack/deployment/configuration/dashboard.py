"""Pages for those who run the stack: each on a host of its own, and for whom a file of accounts names.

Each line of such a file is what `htpasswd -nB NAME` prints.
"""

import re
from collections.abc import Collection
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


def complain_of(page: str, host: str, users_file: str, others: Collection[str], *, public: bool) -> None:
    """Raise ValueError unless a page can be had: on a host that no other has, and for somebody.

    With `public` names a certificate authority on the Internet must know the host.
    """
    if host and host in others:
        raise ValueError(f"{page}_HOST must differ from the host names of the pages")
    if bool(host) != bool(users_file):
        raise ValueError(f"{page}_HOST and {page}_USERS_FILE belong together: give both")
    if public and host.endswith(".localhost"):
        raise ValueError(f"{page}_HOST needs a public name, as the pages do, with ACME_EMAIL")
