"""Settings are refused as a whole, with the variable's name, before anything happens."""

from pathlib import Path

import pytest

from deployment.configuration import settings
from deployment.configuration.settings import Settings
from deployment.errors import DeployError


@pytest.fixture(autouse=True)
def _no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("VOTE_OPTIONS", "Cats", "1 option(s) given, 2 to 10 are possible"),
        ("VOTE_OPTIONS", "a,b,c,d,e,f,g,h,i,j,k", "11 option(s) given"),
        ("VOTE_OPTIONS", "Cats,,Dogs", "every option needs a name"),
        ("VOTE_OPTIONS", f"Cats,{'x' * 61}", "every option needs a name"),
        ("VOTE_OPTIONS", "Cats,cats", "two options have the same name"),
        ("OPTION_A", "Dogs", "two options have the same name"),
        ("VOTE_TITLE", "x" * 201, "VOTE_TITLE: must be one line"),
        ("VOTE_QUESTION", "one\ntwo", "VOTE_QUESTION: must be one line"),
        ("DOMAIN", "not a domain", "is not a host name"),
        ("DOMAIN", "-example.org", "is not a host name"),
        ("VOTE_HOST", "vote", "is not a host name"),
        ("HTTP_PORT", "0", "HTTP_PORT"),
        ("HTTPS_PORT", "65536", "HTTPS_PORT"),
        ("HTTP_PORT", "eighty", "HTTP_PORT"),
        ("HTTP_PORT", "443", "must differ"),
        ("PUBLIC_HTTPS_PORT", "0", "PUBLIC_HTTPS_PORT"),
        ("TRUSTED_PROXIES", "proxy.example.org", "TRUSTED_PROXIES: 'proxy.example.org' does not appear"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "has host bits set: give networks such as"),
        ("RESULT_HOST", "vote.localhost", "must differ; for one host, set ROUTING=path and DOMAIN"),
        ("ROUTING", "paths", "ROUTING"),
        ("ACME_EMAIL", "nobody", "is not an e-mail address"),
        ("ACME_EMAIL", "me@example.org", "needs a public name"),
        ("ACME_EMAIL", "'me@example.org", "is not an e-mail address"),
        ("ACME_PROFILE", "shortlived", "ACME_PROFILE needs an ACME_EMAIL"),
        ("ACME_PROFILE", "two words", "is not one word"),
        ("ACME_DNS", "dns.example.org", "is no name server"),
        ("ACME_DNS", "192.0.2.53:dns", "is no name server"),
        ("ACME_DNS", "192.0.2.53:123456", "is no name server"),
        ("ACME_SERVER", "acme.example.org", "ACME_SERVER"),
        ("ACME_SERVER", "https://acme.example.org/ #1", "ACME_SERVER"),
        ("VOTE_REPLICAS", "0", "VOTE_REPLICAS"),
        ("REDIS_MAXMEMORY", "lots", "REDIS_MAXMEMORY"),
        ("REDIS_MAXMEMORY", "32mb", "REDIS_MAXMEMORY: 32mb is too small, 96mb is the least"),
        *[
            ("REGISTRY", value, "is not a registry")
            for value in (
                *("team", "team/app", "Registry.example.org", "registry.example.org/Team", "https://x.org"),
                *("registry.example.org/", "registry.example.org:x", "registry.example.org//a", "x.org/a b"),
            )
        ],
        ("REGISTRY", "docker.io/team", "Docker Hub"),
        ("IMAGES", "team", "is not a registry"),
        ("NETWORK_SUBNETS", "10.77.0.0/24", "each network gets a /24 of it"),
        ("NETWORK_SUBNETS", "10.77.0.1/16", "NETWORK_SUBNETS: 10.77.0.1/16 has host bits set"),
        ("NETWORK_SUBNETS", "fd00::/48", "NETWORK_SUBNETS"),
        ("DASHBOARD_HOST", "dashboard", "is not a host name"),
        ("DASHBOARD_HOST", "vote.localhost", "DASHBOARD_HOST must differ"),
        ("DASHBOARD_HOST", "dashboard.localhost", "DASHBOARD_HOST and DASHBOARD_USERS_FILE belong together"),
        ("DASHBOARD_USERS_FILE", "/no/such/file", "DASHBOARD_USERS_FILE: cannot read /no/such/file"),
        ("ALERT_EMAIL_TO", "me@example.org", "ALERT_SMARTHOST belong together: give all"),
        ("ALERT_EMAIL_TO", "me@example.org,nobody", "ALERT_EMAIL_TO: 'nobody' is not an e-mail address"),
        ("ALERT_EMAIL_FROM", "Stack <me@example.org>", "ALERT_EMAIL_FROM: 'Stack <me@example.org>' is not"),
        ("ALERT_SMARTHOST", "mail.example.org", "is not host:port such as mail.example.org:587"),
        ("ALERT_SMARTHOST", "mail.example.org:65536", "ALERT_SMARTHOST: 'mail.example.org:65536' is not"),
        ("ALERT_SMTP_USERNAME", "me", "ALERT_SMTP_PASSWORD_FILE belong together: give both"),
        ("ALERT_SMTP_PASSWORD_FILE", "/no/such/file", "ALERT_SMTP_PASSWORD_FILE: cannot read /no/such/file"),
        ("ALERT_WEBHOOK_URL", "example.org/alerts", "ALERT_WEBHOOK_URL: is not an address"),
        ("ALERT_WEBHOOK_URL", "https://me:hush@example.org/", "ALERT_WEBHOOK_URL: has a user or password"),
        ("ALERT_WATCHDOG_URL", "https://example.org:0/", "ALERT_WATCHDOG_URL: is not an address"),
        ("ALERT_WATCHDOG_URL", "https://example.org/a b", "ALERT_WATCHDOG_URL: is not an address"),
        ("ALERT_SLACK_URL_FILE", "/no/such/file", "ALERT_SLACK_URL_FILE: cannot read /no/such/file"),
        ("QUEUE_CONFIRMATIONS", "0", "QUEUE_CONFIRMATIONS is for `deploy.py local` alone"),
        ("QUEUE_CONFIRMATIONS", "1", "before it is acknowledged (in the shell)"),
        ("ADVERTISE_ADDR", "10.0.0", "neither an IP address nor an interface"),
        ("ADVERTISE_ADDR", "10.0.0.5:2377", "neither an IP address nor an interface"),
    ],
)
def test_refused(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, complaint: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(DeployError) as refused:
        settings.load()
    assert complaint in refused.value.what
    assert refused.value.remedy


def test_defaults_are_local() -> None:
    chosen = settings.load()
    assert chosen.urls == {"vote": "https://vote.localhost/", "result": "https://result.localhost/"}
    assert chosen.local


@pytest.mark.parametrize("domain", ["", "example.org"])
def test_one_host_has_both_pages(monkeypatch: pytest.MonkeyPatch, domain: str) -> None:
    monkeypatch.setenv("ROUTING", "path")
    monkeypatch.setenv("DOMAIN", domain)
    chosen, host = settings.load(), domain or "vote-app.localhost"
    assert chosen.hosts == (host, host)
    assert chosen.urls == {"vote": f"https://{host}/vote/", "result": f"https://{host}/result/"}
    told = chosen.variables()
    assert [told[name] for name in ("DOMAIN", "VOTE_HOST", "RESULT_HOST")] == [host, host, host]
    assert settings.load(https_port=8443).urls["result"] == f"https://{host}:8443/result/"


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"VOTE_HOST": "vote.example.org"}, "VOTE_HOST: with ROUTING=path both pages have one host"),
        ({"RESULT_HOST": "result.example.org"}, "RESULT_HOST: with ROUTING=path both pages have one host"),
        (
            {"VOTE_HOST": "example.org", "RESULT_HOST": "example.org", "DOMAIN": "example.org"},
            "VOTE_HOST and RESULT_HOST: with ROUTING=path both pages have one host, which DOMAIN names",
        ),
        ({"DOMAIN": "localhost"}, "DOMAIN: 'localhost' is not a host name"),
        ({"DOMAIN": "a.org", "DASHBOARD_HOST": "a.org"}, "DASHBOARD_HOST must differ"),
        ({"ACME_EMAIL": "me@example.org"}, "ACME_EMAIL needs a public name"),
    ],
)
def test_one_host_is_named_by_the_domain_alone(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], complaint: str
) -> None:
    for name, value in {"ROUTING": "path", **variables}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DeployError) as refused:
        settings.load()
    assert complaint in refused.value.what


def test_a_domain_names_both_hosts_and_an_address_turns_acme_on() -> None:
    chosen = settings.load(domain="example.org", acme_email="me@example.org")
    assert chosen.hosts == ("vote.example.org", "result.example.org")
    assert not chosen.local


@pytest.mark.parametrize(
    ("given", "servers"),
    [
        ("192.0.2.53", "192.0.2.53"),
        ("192.0.2.53:5353, 2001:db8::53,", "192.0.2.53:5353,[2001:db8::53]"),
        ("[2001:db8::53]:5353", "[2001:db8::53]:5353"),
    ],
)
def test_name_servers_may_have_a_port(monkeypatch: pytest.MonkeyPatch, given: str, servers: str) -> None:
    monkeypatch.setenv("ACME_DNS", given)
    chosen = settings.load(domain="example.org", acme_email="me@example.org")
    assert chosen.variables()["ACME_DNS"] == servers


@pytest.mark.parametrize(
    ("variable", "content", "complaint"),
    [
        ("ACME_EAB_HMAC_KEY_FILE", b"two words\n", "one line of base64url"),
        ("ACME_EAB_HMAC_KEY_FILE", b"c2VjcmV0LW9mLXNvbWVib2R5\n", "belong together"),
        ("ACME_DNS_HOOK", b"echo\n", "is no program"),
        ("ACME_DNS_HOOK", b"#!" + b" " * 500_000, "is too large"),
        ("ACME_DNS_HOOK", None, "cannot read"),
        ("ACME_CA_FILE", b"no certificate", "PEM certificates"),
    ],
)
def test_files_are_looked_into(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, content: bytes | None, complaint: str
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv(variable, str(path))
    with pytest.raises(DeployError) as refused:
        settings.load(domain="example.org", acme_email="me@example.org")
    assert complaint in refused.value.what


def test_files_of_the_user_are_given_by_their_secret_s_key(tmp_path: Path) -> None:
    hook = tmp_path / "hook"
    hook.write_bytes(b"#!/bin/sh\n")
    chosen = settings.load(domain="example.org", acme_email="me@example.org", acme_dns_hook=str(hook))
    assert chosen.given == {"acme_dns_hook": b"#!/bin/sh\n"}


def test_an_explicit_host_wins_over_the_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOTE_HOST", "ballot.example.org")
    monkeypatch.setenv("DOMAIN", "example.org")
    assert settings.load().hosts == ("ballot.example.org", "result.example.org")


@pytest.mark.parametrize(
    ("published", "public", "address"),
    [
        ("8443", "", "https://vote.localhost:8443/"),
        ("8443", "443", "https://vote.localhost/"),
        ("443", "8443", "https://vote.localhost:8443/"),
    ],
)
def test_the_address_has_the_port_that_visitors_use(
    monkeypatch: pytest.MonkeyPatch, published: str, public: str, address: str
) -> None:
    monkeypatch.setenv("HTTPS_PORT", published)
    monkeypatch.setenv("PUBLIC_HTTPS_PORT", public)
    chosen = settings.load()
    assert chosen.urls["vote"] == address
    assert chosen.variables()["PUBLIC_HTTPS_PORT"] == (public or published)
    assert chosen.variables()["HTTPS_PORT"] == published


@pytest.mark.parametrize(
    ("given", "trusted"),
    [
        ("", ""),
        ("192.0.2.7", "192.0.2.7/32"),
        ("10.0.0.0/8, 192.0.2.7,", "10.0.0.0/8,192.0.2.7/32"),
        ("fd00::", "fd00::/128"),  # without its length the edge's file would not be YAML
    ],
)
def test_trusted_proxies_are_networks(monkeypatch: pytest.MonkeyPatch, given: str, trusted: str) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", given)
    assert settings.load().variables()["TRUSTED_PROXIES"] == trusted


def test_empty_variables_mean_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOTE_OPTIONS", "")
    monkeypatch.setenv("HTTP_PORT", "")
    assert settings.load().http_port == 80


def test_a_flag_wins_over_host_names_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOMAIN", "elsewhere.example")
    monkeypatch.setenv("VOTE_HOST", "vote.localhost")
    assert settings.load(domain="example.org").hosts == ("vote.example.org", "result.example.org")
    monkeypatch.setenv("ROUTING", "path")
    assert settings.load(domain="example.org").hosts == ("example.org", "example.org")


@pytest.mark.parametrize(("size", "limit"), [("256mb", "768M"), ("1gb", "2304M")])
def test_the_limit_of_redis_follows_its_size(monkeypatch: pytest.MonkeyPatch, size: str, limit: str) -> None:
    monkeypatch.setenv("REDIS_MAXMEMORY", size)
    assert settings.load().variables()["REDIS_MEMORY_LIMIT"] == limit


@pytest.mark.parametrize(
    "prefix",
    [
        "registry.example.org",
        "registry.example.org/team/voting_app",
        "registry.lab:5000",
        "registry:5000/team",
        "192.0.2.7:5000",
        "localhost/team",
    ],
)
def test_a_registry(prefix: str) -> None:
    assert settings.load(registry=prefix).registry == prefix


def test_published_images_may_be_on_docker_hub() -> None:
    assert settings.load(images="docker.io/team").images == "docker.io/team"


def test_images_are_either_published_or_pushed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGES", "registry.example.org/team")
    with pytest.raises(DeployError) as refused:
        settings.load(registry="registry.example.org:5000")
    assert "IMAGES and REGISTRY exclude each other" in refused.value.what
