"""A DNS server that answers what a test wants, also what no good server does."""

import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

# Values by name and kind of record; None fails.
Zone = Mapping[tuple[str, str], list[str] | None]


class _Server(socketserver.ThreadingUDPServer):
    def __init__(self, zone: Zone) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.zone = zone


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        data, socket = self.request
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query)
        asked = query.question[0]
        name, kind = asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype)
        values = self.server.zone.get((name, kind), [])
        if values is None:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif values:
            reply.answer = [dns.rrset.from_text(asked.name, 60, "IN", kind, *values)]
        elif not any(known == name for known, _ in self.server.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        socket.sendto(reply.to_wire(), self.client_address)


@contextmanager
def serving(zone: Zone) -> Iterator[tuple[str, int]]:
    """Answer from a zone, and give the server's address."""
    with _Server(zone) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield ("127.0.0.1", server.server_address[1])
        server.shutdown()
