from postgres_ha.stopwatch import Stopwatch


def test_an_interruption_starts_the_time_anew() -> None:
    watch = Stopwatch()
    measured = [
        watch.measure({"alone": holds}, now)["alone"]
        for now, holds in ((10, True), (14, True), (15, False), (16, True), (18, True))
    ]
    assert measured == [0, 4, 0, 0, 2]
