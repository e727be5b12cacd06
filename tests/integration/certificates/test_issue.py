"""The first certificate of three edges, and what keeps it from them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from cryptography import x509

from kit.acme_gate import FINALIZE, NEW_ORDER
from kit.certificates import NAMES, World, running_world
from kit.waiting import wait_until

YEAR = timedelta(days=365)
EDGES = ("edge-1", "edge-2", "edge-3")
RESULT, VOTE = NAMES


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("certificates")) as made:
        now = datetime.now(UTC)
        made.gate.advice = (now + YEAR, now + 2 * YEAR)
        made.run(*EDGES)
        yield made


def wait_problem(world: World, words: str) -> None:
    """Wait until the operator is told so."""
    wait_until(
        lambda: words in world.edges.status().get("problem", ""), 60, lambda: str(world.edges.status())
    )


def test_names_that_lead_nowhere_cost_no_order(world: World) -> None:
    wait_problem(world, f"{VOTE} has neither an A nor an AAAA record in DNS")
    assert not world.gate.count(NEW_ORDER)
    assert world.edges.status()["issuer"] == world.gate.directory


def test_until_there_is_one_the_local_authority_signs(world: World) -> None:
    local = world.edges.authority.cert_pem.bytes().decode()
    wait_until(lambda: all(world.edges.valid(edge, local) for edge in EDGES))


def test_an_address_that_is_not_ours_costs_no_order(world: World) -> None:
    world.edges.run_stranger()
    world.lead_to(*EDGES, "stranger")
    wait_problem(world, f"A {world.edges.address('stranger')} of {VOTE} answers 404")
    assert not world.gate.count(NEW_ORDER)


def test_a_caa_record_that_forbids_costs_no_order(world: World) -> None:
    world.lead_to(*EDGES)
    world.dns.add_caa(RESULT, ";")
    wait_problem(world, f'{RESULT}: CAA 0 issue ";"')
    assert not world.gate.count(NEW_ORDER)


def test_too_many_orders_are_made_again_when_the_server_says(world: World) -> None:
    world.gate.refuse(NEW_ORDER, 3)
    world.lead_to(*EDGES)
    wait_problem(world, "too many orders (rateLimited)")


def test_the_issuer_dies_between_order_and_storage(world: World) -> None:
    """Its order is gone on with: nobody makes a second one."""
    with world.gate.holding(FINALIZE):
        world.gate.wait_for(FINALIZE)
        holder = next(edge for edge in EDGES if "order placed" in world.edges.logs(f"copy-{edge}"))
        world.edges.kill(f"copy-{holder}", holder)
    left = [edge for edge in EDGES if edge != holder]
    world.wait_valid(*left, seconds=90)
    assert world.gate.count(NEW_ORDER) == 1
    world.run(holder)
    world.wait_valid(*EDGES)
    assert len({shown.serial_number for edge in EDGES if (shown := world.edges.shown(edge))}) == 1
    outcomes = world.edges.rows("SELECT outcome FROM certificates.orders")
    assert [row["outcome"] for row in outcomes] == ["issued"]


def test_an_order_that_the_server_has_forgotten_is_dropped_at_once(world: World) -> None:
    """A server forgets an order that nobody went on with for some days."""
    (row,) = world.edges.rows(
        "INSERT INTO certificates.orders (authority, names, key, key_id, url) "
        "SELECT authority, names, key, key_id, url || 'forgotten' FROM certificates.orders "
        "WHERE outcome = 'issued' LIMIT 1 RETURNING id"
    )
    ended = f"SELECT problem FROM certificates.orders WHERE id = {row['id']} AND outcome = 'dropped'"
    (row,) = wait_until(lambda: world.edges.rows(ended), 60, lambda: str(world.edges.status()))
    assert "the ACME server does not know the order any more" in row["problem"]
    # A certificate that is not due needs no other order.
    wait_until(lambda: not world.edges.status()["problem"], 60, lambda: str(world.edges.status()))


def test_an_authority_that_advises_it_gets_an_order_at_once(world: World) -> None:
    """The order says what it replaces; that authority is not obeyed for ever."""
    now = datetime.now(UTC)
    world.gate.advice = (now - timedelta(days=1), now - timedelta(hours=1))
    before = world.edges.shown(EDGES[0])
    world.edges.rows("UPDATE certificates.certificates SET advice_at = NULL RETURNING id")
    wait_until(
        lambda: world.edges.shown(EDGES[0]) not in {before, None},
        60,
        lambda: f"{world.edges.status()} {[world.edges.logs(f'copy-{edge}') for edge in EDGES]}",
    )
    wait_problem(world, "2 renewals that the authority advised in an hour")
    replaced = world.edges.rows("SELECT FROM certificates.orders WHERE replaces IS NOT NULL")
    assert len(replaced) == 2
    world.gate.advice = (now + YEAR, now + 2 * YEAR)


def leased(world: World) -> bool:
    """Say whether some copy may order certificates."""
    try:
        return bool(world.edges.rows("SELECT FROM certificates.lease WHERE until > now()"))
    except psycopg.OperationalError:
        return False


def newest(world: World) -> str:
    """Return the chain of the certificate that was stored last."""
    (row,) = world.edges.rows("SELECT chain FROM certificates.certificates ORDER BY id DESC LIMIT 1")
    return str(row["chain"])


def given(world: World, copy: str, chain: str) -> bool:
    """Say whether Traefik gets this chain from a copy."""
    status, text = world.edges.provided(copy) or (0, "")
    return status == 200 and json.dumps(chain) in text


def test_edges_that_start_without_the_database_show_the_last_certificate(world: World) -> None:
    before, orders = newest(world), world.gate.count(NEW_ORDER)
    wait_until(lambda: all(given(world, f"copy-{edge}", before) for edge in EDGES))
    world.edges.stop("postgres")
    world.edges.kill(*EDGES, *(f"copy-{edge}" for edge in EDGES))
    world.run(*EDGES)
    world.lead_to(*EDGES)  # They have other addresses now.
    world.wait_valid(*EDGES)
    leaf = x509.load_pem_x509_certificate(before.encode())
    assert all(world.edges.shown(edge) == leaf for edge in EDGES)
    world.run("edge-new")
    # A copy that knows nothing yet would take from the edges what they show.
    status, _ = wait_until(lambda: world.edges.provided("copy-edge-new"))
    assert status == 503
    world.edges.kill("edge-new", "copy-edge-new")
    world.edges.start("postgres")
    wait_until(lambda: leased(world), 90)
    assert world.gate.count(NEW_ORDER) == orders
