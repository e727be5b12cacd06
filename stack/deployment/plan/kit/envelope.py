"""The file of a recovery kit: how it is sealed under a passphrase, and opened again.

Line 1 names the format, its version, and how the key follows from the passphrase:
`vote-app-kit 1 scrypt n=131072 r=8 p=1 salt=HEX nonce=HEX`. Line 2 is the SHA-256 of line 1 and the rest, in
hex: it tells a damaged file from a wrong passphrase. The rest is AES-256-GCM of gzip of JSON, with line 1 as
the associated data.

The text of this module runs in a container, too: it needs the standard library and `cryptography` alone.
"""

import gzip
import hashlib
import json
import os
import re
import unicodedata
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC, VERSION = b"vote-app-kit", 1
# 128 MiB of memory, and about half a second, for each guess of a passphrase.
COST, BLOCK, PARALLEL = 2**17, 8, 1
SALT_BYTES, NONCE_BYTES, KEY_BYTES = 16, 12, 32
LONGEST_HEADER = 200
HEADER = re.compile(
    rb"vote-app-kit 1 scrypt n=%d r=%d p=%d salt=([0-9a-f]{%d}) nonce=([0-9a-f]{%d})"
    % (COST, BLOCK, PARALLEL, 2 * SALT_BYTES, 2 * NONCE_BYTES)
)


class EnvelopeError(Exception):
    """A file that cannot be opened: why, in one sentence."""


class PassphraseError(EnvelopeError):
    """The file is whole, and another passphrase opens it."""


def seal(passphrase: str, content: dict[str, Any]) -> bytes:
    """Return the file that only the passphrase opens; no two are alike."""
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    told = f"scrypt n={COST} r={BLOCK} p={PARALLEL} salt={salt.hex()} nonce={nonce.hex()}"
    header = b"%s %d %s" % (MAGIC, VERSION, told.encode())
    plain = gzip.compress(json.dumps(content).encode(), mtime=0)
    body = AESGCM(_key(passphrase, salt)).encrypt(nonce, plain, header)
    return b"\n".join([header, _checksum(header, body), body])


def opened(sealed: bytes, passphrase: str) -> dict[str, Any]:
    """Return what was sealed; raise EnvelopeError where the file or the passphrase is not right."""
    header, salt, nonce, body = _parts(sealed)
    try:
        plain = AESGCM(_key(passphrase, salt)).decrypt(nonce, body, header)
    except InvalidTag:
        raise PassphraseError("the passphrase is wrong") from None
    content: dict[str, Any] = json.loads(gzip.decompress(plain))
    return content


def _parts(sealed: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Return header, salt, nonce and body; raise EnvelopeError unless it is a whole file of this version."""
    header, _, rest = sealed.partition(b"\n")
    words = header[:LONGEST_HEADER].split(b" ")
    if words[0] != MAGIC:
        raise EnvelopeError("it is no recovery kit")
    if len(words) > 1 and words[1].isdigit() and int(words[1]) != VERSION:
        raise EnvelopeError(f"it is a kit of version {words[1].decode()}, and this program reads {VERSION}")
    checksum, _, body = rest.partition(b"\n")
    found = HEADER.fullmatch(header)
    if not found or checksum != _checksum(header, body):
        raise EnvelopeError("it is damaged: its checksum is another one, or a part is missing")
    return header, bytes.fromhex(found[1].decode()), bytes.fromhex(found[2].decode()), body


def _checksum(header: bytes, body: bytes) -> bytes:
    return hashlib.sha256(header + b"\n" + body).hexdigest().encode()


def _key(passphrase: str, salt: bytes) -> bytes:
    """Return the key; a letter with an accent is the same one on every keyboard."""
    text = unicodedata.normalize("NFC", passphrase).encode()
    return Scrypt(salt=salt, length=KEY_BYTES, n=COST, r=BLOCK, p=PARALLEL).derive(text)
