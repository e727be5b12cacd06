"""Private keys as they may be stored: sealed with a key that the database does not have."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from certificates.errors import ServiceError

NONCE_BYTES = 12


class SealError(ServiceError):
    """What was sealed is another key's, or was changed."""


class Vault:
    """Seals with AES-256-GCM; both the key and its public id are derived from a secret text."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(_derived(secret, b"vote-app certificates: sealing key", 32))
        self.key_id = _derived(secret, b"vote-app certificates: key id", 6).hex()

    def seal(self, text: str, purpose: str) -> bytes:
        """Return a text sealed for a purpose; for another one it cannot be opened."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> str:
        """Return the text; raise SealError."""
        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, rest, purpose.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise SealError(f"cannot open what was sealed as {purpose}") from error


def _derived(secret: str, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=purpose).derive(secret.encode())
