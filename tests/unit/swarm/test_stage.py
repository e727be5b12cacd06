"""When the stack's own accounts are closed."""

from __future__ import annotations

import pytest

from deployment.plan.cluster.picture import UNKNOWN, Accounts, Picture
from swarm.stage import accounted


@pytest.mark.parametrize(
    ("picture", "closed"),
    [
        (UNKNOWN, False),
        (Picture(1.0, keeps_accounts=True), False),
        (Picture(1.0), True),  # a release that keeps none
        (Picture(1.0, accounts=Accounts(lost=None), keeps_accounts=True), False),
        (Picture(1.0, accounts=Accounts(lost=0, settling=1), keeps_accounts=True), False),
        (Picture(1.0, accounts=Accounts(lost=0, unknown=1), keeps_accounts=True), True),
        (Picture(1.0, accounts=Accounts(lost=1), keeps_accounts=True), True),
    ],
)
def test_accounts_are_closed_when_each_vote_is_judged(picture: Picture, closed: bool) -> None:
    assert accounted(picture) == closed
