"""Takes out of a text what a stranger must not read: secrets, voters, and where they come from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

GONE = "[taken out]"
# A name that says that a secret follows, in JSON, in a variable or in an address with a password.
NAMED = re.compile(
    r"""((?:"|\b)[\w.-]*(?:password|passwd|secret|token|cookie|key|credential|hmac|authorization)[\w.-]*"?\s*[=:]\s*)"""
    r"""("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,}\]]+)""",
    re.IGNORECASE,
)
IN_ADDRESS = re.compile(r"(\w+://[^\s/:@]*:)[^\s/@]+@")
PEM = re.compile(r"-----BEGIN [^-]+-----.*?-----END [^-]+-----", re.DOTALL)
# A voter's id, and a cookie with it; any long run of hexadecimal digits may be one, or a secret.
HEXADECIMAL = re.compile(r"\b[0-9a-fA-F]{32,}\b")
BASE64 = re.compile(r"\b[A-Za-z0-9+/_-]{40,}={0,2}")
IPV4 = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
IPV6 = re.compile(r"(?<![\w:.])(?:[0-9a-fA-F]{1,4}:){3,7}(?::?[0-9a-fA-F]{1,4})+(?![\w:])")
MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


@dataclass(frozen=True)
class Redaction:
    """What is taken out; `known` are addresses of the nodes and of networks, which may stay."""

    known: Sequence[str]

    def of(self, text: str) -> str:
        """Return a text without secrets, ids of voters and addresses of people."""
        text = PEM.sub(GONE, text)
        text = IN_ADDRESS.sub(rf"\1{GONE}@", text)
        text = NAMED.sub(lambda found: f"{found[1]}{GONE}" if not _harmless(found[2]) else found[0], text)
        text = HEXADECIMAL.sub(GONE, text)
        text = BASE64.sub(GONE, text)
        text = MAIL.sub(GONE, text)
        text = IPV4.sub(self._address, text)
        return IPV6.sub(GONE, text)

    def _address(self, found: re.Match[str]) -> str:
        return found[0] if found[0] in self.known or found[0].startswith("127.") else GONE


def _harmless(value: str) -> bool:
    """Whether a value tells nothing: a number, a path of a file, nothing, or the beginning of more JSON."""
    bare = value.strip("\"'")
    return not bare or bare[0] in "[{/" or bare in ("true", "false", "null") or bare.isdigit()
