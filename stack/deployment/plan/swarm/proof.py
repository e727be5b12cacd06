"""What proves that nobody needs a slot's data nodes any more: the others have all that these confirmed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from deployment.plan.cluster.picture import ANSWER_SECONDS, OLDEST_SECONDS, Picture
from deployment.plan.cluster.rollout import View
from deployment.plan.cluster.topology import CLUSTERS
from deployment.plan.swarm import departure, relocation


@dataclass(frozen=True)
class Stop:
    """Data nodes stopped while `leader` was the primary of Redis: what pictures say of that moment.

    From `since` on (in seconds since 1970, by the observer's clock) a picture shows what was after it; the
    leader had `written` so much by then, if the observer says that.
    """

    leader: str | None
    since: float | None = None
    written: int | None = None

    def seen(self, picture: Picture) -> "Stop":
        """Return it with what one more picture says; each was asked for after the stop."""
        if self.since is None and picture.at is not None:
            return replace(self, since=picture.at + OLDEST_SECONDS + ANSWER_SECONDS)
        if self.written is None and self.led(picture) and self.before(picture):
            return replace(self, written=picture.redis.written)
        return self

    def before(self, picture: Picture, age: float = 0.0) -> bool:
        """Whether it was before a picture, and before all that was so many seconds old then."""
        return self.since is not None and picture.at is not None and picture.at - age > self.since

    def led(self, picture: Picture) -> bool:
        """Whether the primary of Redis is still who it was."""
        return picture.redis.primary is not None and picture.redis.primary == self.leader


def unproven(view: View, own: Sequence[str], stop: Stop) -> list[str]:
    """Say what is still to be seen of the others, after these data nodes have stopped."""
    if lacking := relocation.rest_lacks(view, own):
        return lacking
    if led := departure.led(own, view.picture.primaries):
        return [f"another primary of {CLUSTERS[cluster]}" for cluster in led]
    return [*_uncommitted(view.picture, own, stop), *_uncopied(view.picture, own, stop)]


def _uncommitted(picture: Picture, own: Sequence[str], stop: Stop) -> list[str]:
    """Say what is to be seen of PostgreSQL.

    A worker's commit that began after the stop was confirmed by another standby, which has all before it.
    """
    pulse = picture.votes.pulse
    if pulse and pulse.age is not None and stop.before(picture, pulse.age):
        return []
    lags = [picture.postgres.lag_bytes.get(name) for name in picture.postgres.followers if name not in own]
    return [] if _none(lags) and stop.before(picture) else ["a commit that the others confirm"]


def _uncopied(picture: Picture, own: Sequence[str], stop: Stop) -> list[str]:
    """Say what is to be seen of Redis: that the others have all that its primary had written by the stop.

    They stand for all that was confirmed only while the primary is the same: another one may lack a vote
    that only these data nodes had.
    """
    redis = picture.redis
    if not stop.led(picture):
        return [f"Redis has another primary than {stop.leader}, which wrote what was confirmed"]
    others = [name for name in redis.followers if name not in own]
    lags = [redis.lag_bytes.get(name) for name in others]
    if stop.before(picture):
        if _none(lags):
            return []
        if redis.written is None:
            return ["what Redis has written, which an observer of the release before does not say (run `up`)"]
        if stop.written is not None and all(_has(redis.written, lag, stop.written) for lag in lags):
            return []
    return [f"{' and '.join(others)} to have all that {redis.primary} had written"]


def _none(lags: Sequence[int | None]) -> bool:
    """Whether there are others, and all are known to lack nothing."""
    return bool(lags) and all(lag == 0 for lag in lags)


def _has(written: int, lag: int | None, wanted: int) -> bool:
    return lag is not None and written - lag >= wanted
