"""HAProxy as somebody else has it in front of the edge."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

from kit.containers import address, joined
from kit.images import reference

# The edge may come after it.
COMMON = """
defaults
  timeout connect 2s
  timeout client 10s
  timeout server 10s
  default-server init-addr none resolvers docker
resolvers docker
  nameserver embedded 127.0.0.11:53
  resolve_retries 3
  timeout resolve 500ms
  timeout retry 500ms
"""


@contextmanager
def proxy(network: str, folder: Path, frontends: str) -> Iterator[str]:
    """Run it with frontends and backends, and a certificate in /etc/haproxy/own.pem; give its address."""
    (folder / "haproxy.cfg").write_text(COMMON + frontends)
    own = trustme.CA().issue_cert("proxy.example.org").private_key_and_cert_chain_pem.bytes()
    (folder / "own.pem").write_bytes(own)
    files = ("--volume", f"{folder}:/etc/haproxy:ro", "--env", "HAPROXY_CONFIG=/etc/haproxy/haproxy.cfg")
    with joined(network, "--user", "root", *files, reference("haproxy")) as name:
        yield address(name)
