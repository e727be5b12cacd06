"""The prober's settings, read from the environment and checked before anything starts."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from prober.environment import Environment, SettingError, refuse, required, secret, whole_number


@dataclass(frozen=True)
class Settings:
    """Where the pages are, whom browsers trust there, and the key that `vote` knows test votes by."""

    vote_host: str
    result_host: str
    edge_host: str
    edge_port: int
    acme: bool
    authority_file: str
    """Beside what the system trusts with ACME, or instead of it; empty for none."""
    probe_key: str = field(repr=False)
    heartbeat_file: str

    @property
    def by_path(self) -> bool:
        """Whether both pages share a host, each under a path of its own."""
        return self.vote_host == self.result_host


def read(environment: Environment) -> Settings:
    """Return the settings; raise SettingError on the first bad one."""
    acme = bool(environment.get("ACME_EMAIL", "").strip())
    return Settings(
        vote_host=required(environment, "VOTE_HOST"),
        result_host=required(environment, "RESULT_HOST"),
        edge_host=required(environment, "EDGE_HOST", "tasks.traefik"),
        edge_port=whole_number(environment, "EDGE_PORT", 1, 65535, 8443),
        acme=acme,
        authority_file=environment.get("ACME_CA_FILE" if acme else "LOCAL_CA_FILE", ""),
        probe_key=secret(environment, "PROBE_KEY_FILE"),
        heartbeat_file=environment.get("HEARTBEAT_FILE", "/tmp/prober.heartbeat"),  # noqa: S108
    )


def load() -> Settings:
    """Return the settings of this process, or end it with code 2 and one line on standard error."""
    try:
        return read(os.environ)
    except SettingError as error:
        refuse(error)
