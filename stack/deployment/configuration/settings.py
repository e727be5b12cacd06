"""What a user can set: read from the shell and stack/.env, checked whole before anything happens."""

import os
import re
import unicodedata
from ipaddress import IPv4Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from deployment.configuration import acme, alerts, backups, closing, dashboard, env_file, hosts, options
from deployment.configuration.env_file import Line
from deployment.configuration.layout import ENV_FILE, OVERLAYS, STACK_FILE
from deployment.errors import DeployError

# The first part needs a dot or a port, else Docker takes it for a name on Docker Hub.
REGISTRY = re.compile(
    r"(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+(?=[:/]|$)|[a-z0-9-]+(?=:))(:[1-9][0-9]{0,4})?"
    r"(/[a-z0-9]+((\.|__?|-+)[a-z0-9]+)*)*"
)
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
ONLY_WITH_ACME = ("acme_ca_file", "acme_profile", "acme_dns", "acme_eab_kid", "acme_dns_hook")
# What people write for people.
TEXTS = ("VOTE_TITLE", "VOTE_QUESTION", "OPTION_A", "OPTION_B", "VOTE_OPTIONS")
# How many replicas confirm a vote. Only the local setup has it: see docs/local.md.
CONFIRMATIONS = "QUEUE_CONFIRMATIONS"
DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")
# What Linux takes for the name of an interface; one with a dot and digits alone is an address.
INTERFACE = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9._@-]{1,15}")
SMALLEST_POOL = 20
BACKUP = ("BACKUP_STORE", "BACKUP_AT", "BACKUP_S3_ENDPOINT", "BACKUP_S3_BUCKET", "BACKUP_S3_REGION")
LONGEST_LINE = 200
# Redis counts the backlog for its replicas, 64 MB, as memory in use.
LEAST_REDIS_MEGABYTES = 96

Port = Annotated[int, Field(ge=1, le=65535)]
Replicas = Annotated[int, Field(ge=1, le=100)]


class Settings(BaseSettings):
    """The stack's settings; the names are those of stack/.env.example in lower case."""

    model_config = SettingsConfigDict(env_file=ENV_FILE, env_ignore_empty=True, extra="ignore")

    domain: str = ""
    routing: Literal["host", "path"] = "host"
    vote_host: str = "vote.localhost"
    result_host: str = "result.localhost"
    http_port: Port = 80
    https_port: Port = 443
    public_https_port: Port | None = None
    trusted_proxies: str = ""
    acme_email: Annotated[str, AfterValidator(acme.email)] = ""
    acme_server: Annotated[str, AfterValidator(acme.directory)] = LETS_ENCRYPT
    acme_ca_file: Annotated[str, AfterValidator(acme.authorities)] = ""
    acme_profile: Annotated[str, AfterValidator(acme.word)] = ""
    acme_dns: Annotated[str, AfterValidator(acme.name_servers)] = ""
    acme_eab_kid: Annotated[str, AfterValidator(acme.word)] = ""
    acme_eab_hmac_key_file: Annotated[str, AfterValidator(acme.hmac_key)] = ""
    acme_dns_hook: Annotated[str, AfterValidator(acme.hook)] = ""
    dashboard_host: str = ""
    dashboard_users_file: Annotated[str, AfterValidator(dashboard.accounts)] = ""
    monitoring: bool | None = None
    monitoring_host: str = ""
    monitoring_users_file: Annotated[str, AfterValidator(dashboard.accounts)] = ""
    grafana: bool = True
    alert_email_to: Annotated[str, AfterValidator(alerts.addresses)] = ""
    alert_email_from: Annotated[str, AfterValidator(alerts.sender)] = ""
    alert_smarthost: Annotated[str, AfterValidator(alerts.smarthost)] = ""
    alert_smtp_username: str = ""
    alert_smtp_password_file: Annotated[str, AfterValidator(alerts.password)] = ""
    alert_webhook_url: Annotated[str, AfterValidator(alerts.url)] = ""
    alert_watchdog_url: Annotated[str, AfterValidator(alerts.url)] = ""
    alert_slack_url_file: Annotated[str, AfterValidator(alerts.slack_url)] = ""
    runbooks_url: Annotated[str, AfterValidator(alerts.repository)] = ""
    backup_store: Literal["", "volume", "s3"] = ""
    backup_at: Annotated[str, AfterValidator(backups.at)] = "03:00"
    backup_s3_endpoint: Annotated[str, AfterValidator(backups.endpoint)] = ""
    backup_s3_bucket: Annotated[str, AfterValidator(backups.bucket)] = ""
    backup_s3_region: Annotated[str, AfterValidator(backups.region)] = ""
    backup_s3_key_file: Annotated[str, AfterValidator(backups.key)] = ""
    backup_s3_key_secret_file: Annotated[str, AfterValidator(backups.key)] = ""
    backup_s3_ca_file: Annotated[str, AfterValidator(backups.authority)] = ""
    vote_title: str = ""
    vote_question: str = ""
    option_a: str = "Cats"
    option_b: str = "Dogs"
    vote_options: str = ""
    vote_option_keys: str = ""  # `up` sets it: see options.py
    vote_closes: str = ""
    vote_replicas: Replicas = 2
    result_replicas: Replicas = 2
    worker_replicas: Replicas = 2
    new_voters_per_second: Annotated[int, Field(ge=0)] = 50
    new_voters_burst: Annotated[int, Field(ge=1)] = 5000
    redis_maxmemory: str = "256mb"
    database_sslmode: Literal["verify-full", "prefer"] = "verify-full"
    redis_tls: Literal["yes", "no", ""] = ""
    network_encryption: bool = False
    network_subnets: str = ""
    advertise_addr: str = ""
    registry: str = ""
    images: str = ""

    @model_validator(mode="before")
    @classmethod
    def _hosts_of_the_domain(cls, values: dict[str, Any]) -> dict[str, Any]:
        return hosts.of_domain(values)

    @field_validator("*", mode="before")
    @classmethod
    def _kept_as_written(cls, value: object) -> object:
        if isinstance(value, str) and "{{" in value:
            raise ValueError("{{ cannot be part of it: Docker would read a template there")
        if isinstance(value, str) and any(unicodedata.category(letter) == "Cs" for letter in value):
            raise ValueError("is not UTF-8")
        return value

    @field_validator("domain", "vote_host", "result_host", "dashboard_host", "monitoring_host")
    @classmethod
    def _a_host_name(cls, value: str) -> str:
        if value and not hosts.HOST_NAME.fullmatch(value):
            raise ValueError(f"{value!r} is not a host name such as example.org")
        return value

    @field_validator("network_subnets")
    @classmethod
    def _a_pool(cls, value: str) -> str:
        pool = IPv4Network(value) if value else None
        if pool and pool.prefixlen > SMALLEST_POOL:
            raise ValueError(
                f"{value!r} is too small: each network gets a /24 of it, so give a /{SMALLEST_POOL} or larger"
            )
        return str(pool or "")

    @field_validator("advertise_addr")
    @classmethod
    def _an_address_or_interface(cls, value: str) -> str:
        if value and not INTERFACE.fullmatch(value):
            try:
                ip_address(value)
            except ValueError:
                raise ValueError(
                    f"{value!r} is neither an IP address nor an interface such as eth0"
                ) from None
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        try:
            networks = [ip_network(part.strip()) for part in value.split(",") if part.strip()]
        except ValueError as error:
            raise ValueError(f"{error}: give networks such as 10.0.0.0/8,192.0.2.7") from error
        return ",".join(map(str, networks))

    @field_validator("registry", "images")
    @classmethod
    def _a_registry(cls, value: str) -> str:
        if value and not REGISTRY.fullmatch(value):
            raise ValueError(f"{value!r} is not a registry such as registry.example.org:5000/team")
        return value

    @field_validator("registry")
    @classmethod
    def _with_deep_names(cls, value: str) -> str:
        if value.partition("/")[0] in DOCKER_HUB:
            raise ValueError("Docker Hub has no names as deep as the images': use another registry")
        return value

    @field_validator("vote_title", "vote_question")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if len(value.strip()) > LONGEST_LINE or options.has_control_characters(value):
            raise ValueError(f"must be one line of at most {LONGEST_LINE} characters")
        return value.strip()

    @field_validator("vote_closes")
    @classmethod
    def _a_time(cls, value: str) -> str:
        closing.parse_closing(value)
        return value.strip()

    @field_validator("redis_maxmemory")
    @classmethod
    def _a_size(cls, value: str) -> str:
        if not re.fullmatch(r"[1-9][0-9]*(mb|gb)", value):
            raise ValueError(f"{value!r} is not a size such as 256mb or 1gb")
        if megabytes(value) < LEAST_REDIS_MEGABYTES:
            raise ValueError(f"{value} is too small, {LEAST_REDIS_MEGABYTES}mb is the least that works")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        options.complain_of(self.option_names)
        alerts.complain_of(self)
        backups.complain_of(self)
        if self.http_port == self.https_port:
            raise ValueError("HTTP_PORT and HTTPS_PORT must differ")
        if self.vote_host == self.result_host and self.routing == "host":
            raise ValueError(
                "VOTE_HOST and RESULT_HOST must differ; for one host, set ROUTING=path and DOMAIN"
            )
        taken = [*self.hosts]
        for page in ("dashboard", "monitoring"):
            host, users = getattr(self, f"{page}_host"), getattr(self, f"{page}_users_file")
            dashboard.complain_of(page.upper(), host, users, taken, public=not self.local)
            taken.append(host)
        if self.acme_email and self.vote_host.endswith(".localhost"):
            raise ValueError("ACME_EMAIL needs a public name: set DOMAIN (or use --domain) as well")
        for name in ONLY_WITH_ACME:
            if getattr(self, name) and self.local:
                raise ValueError(f"{name.upper()} needs an ACME_EMAIL: without one a local authority signs")
        if bool(self.acme_eab_kid) != bool(self.acme_eab_hmac_key_file):
            raise ValueError("ACME_EAB_KID and ACME_EAB_HMAC_KEY_FILE belong together: give both")
        if self.images and self.registry:
            raise ValueError("IMAGES and REGISTRY exclude each other: published images are not pushed")
        return self

    @property
    def option_names(self) -> list[str]:
        """What can be voted for."""
        listed = self.vote_options.split(",") if self.vote_options.strip() else [self.option_a, self.option_b]
        return [name.strip() for name in listed]

    @property
    def redis_memory_limit(self) -> str:
        """Limit of a Redis container: the queue, its copy while a file is rewritten, and buffers."""
        return f"{2 * megabytes(self.redis_maxmemory) + 256}M"

    @property
    def local(self) -> bool:
        """Whether certificates come from the local CA rather than from ACME."""
        return not self.acme_email

    @property
    def given(self) -> dict[str, bytes]:
        """What the user has in files and the services get as secrets, by the secret's key."""
        files = {
            "acme_eab_hmac_key": self.acme_eab_hmac_key_file,
            "acme_dns_hook": self.acme_dns_hook,
            "dashboard_users": self.dashboard_users_file,
            "backup_s3_key": self.backup_s3_key_file,
            "backup_s3_key_secret": self.backup_s3_key_secret_file,
        }
        watched = {
            "monitoring_users": self.monitoring_users_file,
            "alert_smtp_password": self.alert_smtp_password_file,
            "alert_slack_url": self.alert_slack_url_file,
        }
        paths = files | (watched if self.monitoring else {})
        return {key: Path(path).read_bytes() for key, path in paths.items() if path}

    @property
    def idle(self) -> list[str]:
        """Variables of the monitoring that are set, and mean nothing while it is off."""
        names = [
            name
            for name in type(self).model_fields
            if name.startswith(("monitoring_", "alert_", "runbooks_"))
        ]
        return [name.upper() for name in names if getattr(self, name) and not self.monitoring]

    @property
    def dashboards(self) -> bool:
        """Whether Grafana is wanted: without a page of the monitoring nobody could see it."""
        return bool(self.monitoring and self.monitoring_host and self.grafana)

    @property
    def hosts(self) -> tuple[str, str]:
        """Host names of the two pages."""
        return self.vote_host, self.result_host

    @property
    def urls(self) -> dict[str, str]:
        """Addresses of the two pages."""
        pages = {"vote": self.vote_host, "result": self.result_host}
        port = self.public_https_port or self.https_port
        return hosts.urls_of(pages, port, by_path=self.routing == "path")

    def variables(self) -> dict[str, str]:
        """Return what the stack file's `${…}` variables of the same names stand for."""
        names = (
            *("vote_host", "result_host", "http_port", "https_port", "acme_email", "acme_server"),
            *("acme_profile", "acme_dns", "acme_eab_kid"),
            *("vote_title", "vote_question", "option_a", "option_b", "vote_options", "vote_option_keys"),
            "vote_closes",
            *("new_voters_per_second", "new_voters_burst", "trusted_proxies"),
            *("vote_replicas", "result_replicas", "worker_replicas", "redis_maxmemory", "redis_memory_limit"),
            "database_sslmode",
        )
        values = {name.upper(): str(getattr(self, name)) for name in names}
        values["REDIS_TLS"] = self.redis_tls or "no"
        values["PUBLIC_HTTPS_PORT"] = str(self.public_https_port or self.https_port)
        if self.routing == "path":
            values["DOMAIN"] = self.domain
        if self.backup_store:
            values |= {name: str(getattr(self, name.lower())) for name in BACKUP}
        if self.dashboard_host:
            values["DASHBOARD_HOST"] = self.dashboard_host
        if self.monitoring and self.runbooks_url:
            values["RUNBOOKS_URL"] = self.runbooks_url
        if self.monitoring and self.monitoring_host:
            values["MONITORING_HOST"] = self.monitoring_host
            values["MONITORING_URL"] = hosts.url(self.monitoring_host, int(values["PUBLIC_HTTPS_PORT"]))
        return values


def load(**overrides: Any) -> Settings:
    """Read the settings; flags in `overrides` win where they say something.

    Raises DeployError naming the variable that is malformed, and where it was set.
    """
    lines = _lines()
    _require_promise(lines)
    given = {name: value for name, value in overrides.items() if value not in ("", None)}
    if "domain" in given:
        # Among the flags it outweighs host names of the environment; one of the environment does not.
        given = dict.fromkeys(hosts.HOSTS, "") | given
    try:
        return Settings(**given)
    except ValidationError as error:
        raise DeployError(
            "Invalid settings: " + "; ".join(_sentence(dict(e), lines) for e in error.errors()),
            "Correct them in the shell or in stack/.env (stack/.env.example explains each).",
        ) from error


def _require_promise(lines: list[Line]) -> None:
    """Raise DeployError where somebody asks for less than the stack promises, or believes that they can."""
    if origin := _origin(CONFIRMATIONS, lines):
        raise DeployError(
            f"{CONFIRMATIONS} is for `deploy.py local` alone: in the stack a vote is always on a replica "
            f"before it is acknowledged{origin}.",
            "Take that setting away, then run the same command again.",
        )


def warnings() -> list[str]:
    """Return what in stack/.env looks like a mistake, though nothing is wrong with it."""
    path = _file()
    paths = (STACK_FILE, *sorted(OVERLAYS.glob("*.yaml")))
    files = "".join(part.read_text(encoding="utf-8") for part in paths)
    by_hand = re.findall(r"\$\{(\w+)", files)
    return env_file.warnings(path, _lines(), _names().union(by_hand)) if path else []


def _file() -> Path | None:
    path = Settings.model_config.get("env_file")
    return Path(str(path)) if path else None


def _names() -> set[str]:
    return {name.upper() for name in Settings.model_fields}


def _lines() -> list[Line]:
    path = _file()
    return env_file.read(path, _names(), TEXTS) if path else []


def megabytes(size: str) -> int:
    """Read a size such as 256mb or 1gb."""
    return int(size[:-2]) * (1024 if size.endswith("gb") else 1)


def _sentence(error: dict[str, Any], lines: list[Line]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["loc"]:
        message = f"{str(error['loc'][0]).upper()}: {message}"
    return message + _origin(message.partition(":")[0], lines)


def _origin(name: str, lines: list[Line]) -> str:
    """Say where a variable was set: the shell wins over the file, and there the last line counts."""
    if name in os.environ:
        return " (in the shell)"
    found = [line.number for line in lines if line.name == name]
    return f" ({_file()}, line {found[-1]})" if found else ""
