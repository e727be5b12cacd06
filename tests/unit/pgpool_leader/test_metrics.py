"""What HAProxy counts in front of pgpool becomes metrics."""

import socket
import threading
from pathlib import Path

import pytest

from kit.exposition import told
from pgpool_leader import pgpool_config
from pgpool_leader.metrics import QUESTION, Clients, families

# As HAProxy 3.0 answers, without the columns that follow.
ANSWER = """\
# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,dcon
clients,FRONTEND,,,22,24,256,90,1,2,4,0,0,,,,,OPEN,3
pgpool,pgpool,0,0,21,24,,80,1,2,,0,,7,0,0,0,no check,
pgpool,BACKEND,0,0,21,24,26,80,1,2,0,0,,7,0,0,0,UP,

"""
METRICS = [
    "vote_app_pgpool_connections 21.0",
    "vote_app_pgpool_places 24.0",
    'vote_app_pgpool_refused_total{reason="too_many"} 3.0',
    'vote_app_pgpool_refused_total{reason="silent"} 4.0',
    'vote_app_pgpool_refused_total{reason="no_server"} 7.0',
]


def test_haproxys_statistics_become_metrics() -> None:
    assert told(families(ANSWER)) == METRICS


def test_they_are_asked_for_at_haproxys_socket(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    clients = Clients(path)
    with pytest.raises(OSError, match="No such file"):
        clients.collect()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(100) == QUESTION
                connection.sendall(ANSWER.encode())

        threading.Thread(target=answer).start()
        assert told(clients.collect()) == METRICS


def test_the_places_are_those_that_pgpool_has_and_fewer_than_haproxy_lets_in() -> None:
    front = Path(pgpool_config.__file__).parents[1] / "haproxy.cfg"
    most = int(front.read_text().partition("maxconn ")[2].split()[0])
    assert most > pgpool_config.PLACES
