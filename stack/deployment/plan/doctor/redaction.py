"""Takes out of a text what a stranger must not read: secrets, voters, and where they come from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address

GONE = "[taken out]"
NAME = r"[\w.-]*(?:password|passwd|secret|token|cookie|key|credential|hmac|authorization)[\w.-]*"
# Of a variable in a JSON string all up to its end: a password may have spaces in it.
QUOTED = re.compile(rf'"({NAME})=((?:[^"\\]|\\.)*)"', re.IGNORECASE)
# A name that says that a secret follows, in JSON, in a variable or in a header.
NAMED = re.compile(
    rf"""((?:"|\b)({NAME})"?\s*[=:]\s*)((?:Bearer|Basic|Digest)\s+\S+|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,}}\]]+)""",
    re.IGNORECASE,
)
BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9+/._~=-]+", re.IGNORECASE)
# A voter's cookie with its signature, and a voter's id alone, which has 32 digits.
VOTER = re.compile(r"voter_id=[^\s;,\"']+")
IN_ADDRESS = re.compile(r"(\w+://[^\s/:@]*:)[^\s/@]+@")
PEM = re.compile(r"-----BEGIN [^-]+-----.*?-----END [^-]+-----", re.DOTALL)
# Any long run of hexadecimal digits may be an id, or a secret.
HEXADECIMAL = re.compile(r"\b[0-9a-fA-F]{32,}\b")
BASE64 = re.compile(r"\b[A-Za-z0-9+/_-]{40,}={0,2}")
IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\d)")
COLONS = re.compile(r"(?<!\w)[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(?!\w)")
MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
OF_FILES = ("_file", "path", "target", "source")
OF_NUMBERS = ("age", "seconds", "count", "size", "bytes", "lines", "bits")


@dataclass(frozen=True)
class Redaction:
    """What is taken out; `known` are addresses of the nodes and of networks, which may stay."""

    known: Sequence[str]

    def of(self, text: str) -> str:
        """Return a text without secrets, ids of voters and addresses of people."""
        text = PEM.sub(GONE, text)
        text = VOTER.sub(f"voter_id={GONE}", text)
        text = IN_ADDRESS.sub(rf"\1{GONE}@", text)
        text = QUOTED.sub(_variable, text)
        text = NAMED.sub(_value, text)
        text = BEARER.sub(rf"\1 {GONE}", text)
        for pattern in (HEXADECIMAL, BASE64, MAIL):
            text = pattern.sub(GONE, text)
        text = COLONS.sub(self._with_colons, text)
        return IPV4.sub(self._address, text)

    def _address(self, found: re.Match[str]) -> str:
        return found[0] if found[0] in self.known or found[0].startswith("127.") else GONE

    def _with_colons(self, found: re.Match[str]) -> str:
        """Take out an address of IPv6; a time of day has colons, too, and is none."""
        bare = found[0].rstrip(".").removesuffix(":") if not found[0].endswith("::") else found[0]
        try:
            address = IPv6Address(bare)
        except AddressValueError:
            return found[0]
        stays = address.is_loopback or address.is_unspecified or bare in self.known
        return found[0] if stays else GONE + found[0][len(bare) :]


def _variable(found: re.Match[str]) -> str:
    return found[0] if _harmless(found[1], found[2]) else f'"{found[1]}={GONE}"'


def _value(found: re.Match[str]) -> str:
    return found[0] if GONE in found[3] or _harmless(found[2], found[3]) else f"{found[1]}{GONE}"


def _harmless(name: str, value: str) -> bool:
    """Whether a value tells nothing: nothing, the beginning of more JSON, or a path or number by its name."""
    bare, of = value.strip("\"'"), name.lower()
    if not bare or bare[0] in "[{" or bare in ("true", "false", "null"):
        return True
    return (bare[0] == "/" and of.endswith(OF_FILES)) or (bare.isdigit() and of.endswith(OF_NUMBERS))
