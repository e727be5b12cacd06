"""The host names of the pages, one for each or one for both, and the addresses that follow."""

import re
from collections.abc import Mapping
from typing import Any

HOST_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+"
)
HOSTS = ("vote_host", "result_host")
# The only host with ROUTING=path, where none is given.
ONE_HOST = "vote-app.localhost"


def of_domain(values: dict[str, Any]) -> dict[str, Any]:
    """Add the host names that follow from a domain, where they are not given one by one.

    Raises ValueError where they are, though both pages are to have one host.
    """
    named = [name for name in HOSTS if values.get(name)]
    given = {name: value for name, value in values.items() if name not in HOSTS or name in named}
    if given.get("routing") == "path":
        if named:
            listed = " and ".join(name.upper() for name in named)
            raise ValueError(f"{listed}: with ROUTING=path both pages have one host, which DOMAIN names")
        domain = given.get("domain") or ONE_HOST
        return {**given, "domain": domain, **dict.fromkeys(HOSTS, domain)}
    if domain := given.get("domain"):
        return {"vote_host": f"vote.{domain}", "result_host": f"result.{domain}"} | given
    return given


def url(host: str, port: int) -> str:
    """Return the address of a host."""
    return f"https://{host}{'' if port == 443 else f':{port}'}/"


def urls_of(pages: Mapping[str, str], port: int, *, by_path: bool) -> dict[str, str]:
    """Return the address of each page, of which the hosts are given; by path they share one."""
    return {page: url(host, port) + (f"{page}/" if by_path else "") for page, host in pages.items()}
