"""Who may do what: the ACL files of Redis and of Sentinel, with hashed passwords."""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

_ANY_CLIENT = "+ping +hello +client|setinfo +client|setname"

REDIS_RULES: Mapping[str, str] = {
    "ballot": f"~votes {_ANY_CLIENT} +votes.append +votes.replay +votes.state +votes.fields +wait +info",
    # The account of the vote service before there was votes.append, for an upgrade under load.
    "vote": f"~votes {_ANY_CLIENT} +xadd +wait +info",
    "worker": (
        f"~votes ~votes:dead {_ANY_CLIENT} +role +info +multi +exec +discard"
        " +votes.poll +votes.state +xlen +xrange +xack +xdel +xreadgroup +xautoclaim +xinfo"
        " +xgroup|create +xgroup|createconsumer +xgroup|delconsumer +xgroup|setid"
    ),
    # It reads the queue; what it may write is the word whether votes are taken.
    "observer": (
        f"%R~votes %R~votes:dead ~votes:intake {_ANY_CLIENT}"
        " +role +xlen +xrange +xrevrange +get +set +wait +votes.state"
    ),
    # No key, so no vote; neither the slow log, which would quote one, nor settings: some are passwords.
    "monitor": f"{_ANY_CLIENT} +info +slowlog|len +latency|latest +latency|histogram",
    "replica": "+psync +replconf +ping",
    "sentinel": (
        f"&* {_ANY_CLIENT} +role +info +multi +exec +slaveof +subscribe +publish"
        " +config|rewrite +client|kill +script|kill"
        # For a switchover.
        " +votes.prefer +client|pause +client|unpause"
    ),
    "proxy": "+role",
}

DEFAULT_USER = "user default off resetpass ~* &* +@all"

SENTINEL_RULES: Mapping[str, str] = {
    "sentinel": f"&* {_ANY_CLIENT} +role +info +subscribe +publish +sentinel",
    "proxy": "+sentinel|master",
    "monitor": (
        f"{_ANY_CLIENT} +info +sentinel|masters +sentinel|sentinels +sentinel|slaves +sentinel|ckquorum"
    ),
}


def acl_file(
    rules: Mapping[str, str], passwords: Mapping[str, str], others: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Write the users that the rules name; everybody else is locked out.

    `others` are passwords that are good as well.

    The default user is off and has no password, so that nobody can be it, but it may do everything:
    Redis replays its append-only file in its name, and refuses the transactions therein otherwise.
    """
    good = {user: [passwords[user], *([others[user]] if user in others else [])] for user in rules}
    users = [f"user {user} on {' '.join(map(_hashed, good[user]))} {rule}" for user, rule in rules.items()]
    return "\n".join([DEFAULT_USER, *users, ""])


def _hashed(password: str) -> str:
    return f"#{hashlib.sha256(password.encode()).hexdigest()}"
