from __future__ import annotations

import pytest

from result.packets import MOST_IN_ONE_BODY, understand, understand_body


@pytest.mark.parametrize(
    ("packet", "taken"),
    [
        ("40", "40"),
        ('40{"token":"x"}', "40"),
        ('40{"viewer":false}', '40{"viewer":false}'),
        ('40{"viewer":true}', "40"),
        ("3", "3"),
        ("5", "5"),
        ("2probe", "2probe"),
        ("1", "1"),
        ("41", "1"),
        *((packet, None) for packet in ("", "0", "2", "3x", "4", "6", "7", "9", "junk", "bNDA=", "٣")),
        *(
            (packet, None)
            for packet in ('42["connect"]', '43["x"]', "44", '451-["x"]', "461-[]", "40/x", "40[")
        ),
    ],
)
def test_what_a_viewer_may_send(packet: str, taken: str | None) -> None:
    assert understand(packet) == taken


@pytest.mark.parametrize(
    ("body", "taken"),
    [
        ("40", "40"),
        ("3\x1e40{}\x1e41", "3\x1e40\x1e1"),
        ("\x1e".join(["3"] * MOST_IN_ONE_BODY), "\x1e".join(["3"] * MOST_IN_ONE_BODY)),
        ("\x1e".join(["3"] * (MOST_IN_ONE_BODY + 1)), None),
        ('3\x1e42["connect"]', None),
        ("", None),
        ("3\x1e", None),
        ("2probe", None),
        ("5", None),
        ("d=40", None),
        ("3\udcff", None),
    ],
)
def test_what_a_viewer_may_send_at_once(body: str, taken: str | None) -> None:
    understood = understand_body(body.encode("utf-8", "surrogateescape"))
    assert understood == (None if taken is None else taken.encode())
