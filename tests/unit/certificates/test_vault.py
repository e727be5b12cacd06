from __future__ import annotations

import pytest

from certificates.state.vault import SealError, Vault

TEXT = "-----BEGIN PRIVATE KEY-----"


def test_what_was_sealed_can_be_opened_by_whoever_has_the_secret() -> None:
    sealed = Vault("secret").seal(TEXT, "bundle")
    assert TEXT.encode() not in sealed
    assert Vault("secret").open(sealed, "bundle") == TEXT


def test_the_same_text_is_never_sealed_alike() -> None:
    assert Vault("secret").seal(TEXT, "bundle") != Vault("secret").seal(TEXT, "bundle")


def test_the_id_of_the_key_tells_keys_apart_and_is_the_same_wherever() -> None:
    assert Vault("secret").key_id == Vault("secret").key_id
    assert Vault("secret").key_id != Vault("secret ").key_id
    assert len(Vault("secret").key_id) == 12


SEALED = Vault("secret").seal(TEXT, "bundle")
REFUSED = {
    "another key": ("other", SEALED, "bundle"),
    "another purpose": ("secret", SEALED, "account"),
    "changed": ("secret", SEALED[:-1] + bytes([SEALED[-1] ^ 1]), "bundle"),
    "another nonce": ("secret", bytes([SEALED[0] ^ 1]) + SEALED[1:], "bundle"),
    "cut": ("secret", SEALED[:-1], "bundle"),
    "cut within the nonce": ("secret", SEALED[:5], "bundle"),
    "nothing": ("secret", b"", "bundle"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_whole_or_not_ours_is_refused_without_a_word_of_it(case: str) -> None:
    secret, sealed, purpose = REFUSED[case]
    with pytest.raises(SealError, match=f"^cannot open what was sealed as {purpose}$"):
        Vault(secret).open(sealed, purpose)
