"""What a user sets about an ACME server, checked before anything is changed; a bad value is a ValueError."""

import re
import ssl
from ipaddress import ip_address
from pathlib import Path

from deployment.configuration import secret_files

HMAC_KEY = re.compile(rb"[A-Za-z0-9_-]{16,}=*\r?\n?")
PORT = re.compile(r"[1-9][0-9]{0,4}")


def directory(value: str) -> str:
    """Return the address of an ACME directory."""
    if not re.fullmatch(r"https?://\S+", value):
        raise ValueError(f"{value!r} is not the address of an ACME directory")
    return value


def email(value: str) -> str:
    """Return the address of an account, which may be empty."""
    if value and not re.fullmatch(r"\w[^@\s]*@[^@\s]+\.[^@\s]+", value):
        raise ValueError(f"{value!r} is not an e-mail address")
    return value


def word(value: str) -> str:
    """Return a name that an ACME server gave, which may be empty."""
    if not re.fullmatch(r"[!-~]*", value):
        raise ValueError(f"{value!r} is not one word")
    return value


def name_servers(value: str) -> str:
    """Return the addresses of name servers, some with a port, as one word; those of IPv6 in brackets."""
    return ",".join(_name_server(part.strip()) for part in value.split(",") if part.strip())


def _name_server(text: str) -> str:
    host, _, port = text.rpartition(":")
    with_port = PORT.fullmatch(port) and (":" not in host or host.endswith("]"))
    try:
        address = ip_address((host if with_port else text).removeprefix("[").removesuffix("]"))
    except ValueError:
        raise ValueError(f"{text!r} is no name server such as 192.0.2.53 or [::1]:5353") from None
    shown = f"[{address}]" if address.version == 6 else str(address)
    return f"{shown}:{port}" if with_port else shown


def authorities(value: str) -> str:
    """Return the absolute path of a file, if it holds certificates."""
    if not value:
        return value
    path = Path(value).expanduser().resolve()
    try:
        ssl.create_default_context(cafile=str(path))
    except OSError as error:  # ssl.SSLError is one
        reason = error.strerror or error
        raise ValueError(f"{path} is not a file of PEM certificates ({reason})") from error
    return str(path)


def hmac_key(value: str) -> str:
    """Return the absolute path of a file, if it holds the key of an external account."""
    if value and not HMAC_KEY.fullmatch(secret_files.content(value)):
        raise ValueError(f"{value} does not hold one line of base64url, as the ACME server gives it")
    return secret_files.absolute(value)


def hook(value: str) -> str:
    """Return the absolute path of a file, if Linux can run it."""
    if value and not secret_files.content(value).startswith((b"#!", b"\x7fELF")):
        raise ValueError(f"{value} is no program: it begins neither with #! nor as a Linux binary")
    return secret_files.absolute(value)
