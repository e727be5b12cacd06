"""The ACME server that signs, as it is configured."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Server:
    """An ACME directory (URL), what to trust of it (a file; empty: as usual), and the account there."""

    directory: str
    email: str
    ca_file: str = ""
    profile: str = ""
    key_identifier: str = ""  # of an external account, as is its key
    hmac_key: str = field(default="", repr=False)
