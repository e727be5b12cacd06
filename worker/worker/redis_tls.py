"""Whether Redis is spoken to with TLS, and the authority by which it is known then."""

import ssl

from .environment import Environment, SettingError, required

AUTHORITY_FILE = "/etc/ssl/inside_ca.pem"


def redis_authority(environment: Environment) -> str | None:
    """Return the file with the authority's certificate; None where Redis is spoken to in clear.

    Raises SettingError.
    """
    chosen = environment.get("REDIS_TLS", "")
    if chosen not in {"yes", "no"}:
        raise SettingError("REDIS_TLS: expected yes or no")
    if chosen == "no":
        return None
    path = required(environment, "INSIDE_CA_FILE", AUTHORITY_FILE)
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise SettingError(f"INSIDE_CA_FILE: {path} holds no certificate") from None
    except OSError as error:
        raise SettingError(f"INSIDE_CA_FILE: cannot read {path}: {error.strerror}") from error
    return path
