import hashlib

import pytest

from redis_gate.acl import REDIS_RULES, SENTINEL_RULES, acl_file
from redis_gate.settings import REDIS_ACCOUNTS, SENTINEL_ACCOUNTS
from unit.redis_gate.samples import PASSWORDS


def users(text: str) -> dict[str, list[str]]:
    return {words[1]: words[2:] for words in map(str.split, text.splitlines())}


def test_every_account_has_a_user_and_nobody_can_be_the_default_user() -> None:
    assert set(REDIS_RULES) == set(REDIS_ACCOUNTS)
    assert set(SENTINEL_RULES) == set(SENTINEL_ACCOUNTS)
    default = users(acl_file(REDIS_RULES, PASSWORDS))["default"]
    assert {"off", "resetpass"} <= set(default)
    assert "nopass" not in default


def test_passwords_are_hashed() -> None:
    text = acl_file(REDIS_RULES, PASSWORDS)
    assert "secret" not in text
    assert f"#{hashlib.sha256(b'vote-secret').hexdigest()}" in users(text)["vote"]


def test_while_a_password_is_changed_two_are_good() -> None:
    found = users(acl_file(REDIS_RULES, PASSWORDS, {"vote": "former"}))
    hashes = {user: [word for word in words if word.startswith("#")] for user, words in found.items()}
    good = [f"#{hashlib.sha256(password).hexdigest()}" for password in (b"vote-secret", b"former")]
    assert hashes["vote"] == good
    assert {len(of) for user, of in hashes.items() if user not in ("vote", "default")} == {1}


@pytest.mark.parametrize("user", REDIS_ACCOUNTS)
@pytest.mark.parametrize("right", ["+@all", "~*", "+flushall", "+config|set", "+acl", "+debug", "nopass"])
def test_nobody_may_do_everything(user: str, right: str) -> None:
    assert right not in REDIS_RULES[user].split()


@pytest.mark.parametrize("user", ["ballot", "vote", "worker", "observer", "replica", "proxy"])
def test_only_sentinel_may_change_who_follows_whom(user: str) -> None:
    assert not {"+slaveof", "+replicaof", "+config|rewrite"} & set(REDIS_RULES[user].split())


def test_vote_may_append_but_not_read_or_remove() -> None:
    rights = set(REDIS_RULES["ballot"].split())
    assert {"~votes", "+votes.append", "+votes.replay", "+wait", "+info"} <= rights
    assert not {"+xadd", "+xrange", "+xreadgroup", "+xdel", "~votes:dead"} & rights


@pytest.mark.parametrize(
    "right", ["+multi", "+exec", "+role", "+eval", "+fcall", "+xtrim", "+xsetid", "+xgroup"]
)
def test_vote_may_do_nothing_that_it_does_not_need(right: str) -> None:
    assert not [rule for rule in REDIS_RULES["ballot"].split() if rule.startswith(right)]


@pytest.mark.parametrize("right", ["+xadd", "+wait", "+xtrim", "+xsetid", "+xclaim", "+xpending", "+eval"])
def test_a_worker_adds_nothing_to_the_queue(right: str) -> None:
    assert right not in REDIS_RULES["worker"].split()


def test_the_observer_reads_the_queue_and_writes_one_key() -> None:
    rights = REDIS_RULES["observer"].split()
    assert [right for right in rights if "~" in right] == ["%R~votes", "%R~votes:dead", "~votes:intake"]
    writing = {"+xadd", "+votes.append", "+xdel", "+xack", "+xtrim", "+xgroup", "+xreadgroup"}
    assert not writing & set(rights)
