"""What ``groundswell feed`` says while it runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from streams.cli.feed import Meter
from streams.feeds.outlet import KafkaOutlet
from streams.feeds.sending import Progress
from streams.options import TopicSettings
from streams.publish import PATIENCE_MS, Connection


@pytest.mark.parametrize(
    ("pause", "each", "said"), [(10.0, 24, "2.4/s"), (0.25, 100, "400/s"), (10.0, 0, "0.0/s")]
)
def test_the_rate_is_that_of_the_last_seconds_however_seldom_it_is_shown(
    pause: float, each: int, said: str
) -> None:
    progress = Progress()
    outlet: Any = SimpleNamespace(behind=3)
    meter = Meter(progress, outlet)

    for n in range(1, 41):
        line = meter.line(100.0 + n * pause).plain
        progress.confirmed += each

    assert line.startswith(f"{said}  {39 * each:,} sent  0 refused  3 behind")


async def test_a_feed_waits_for_a_broker_that_is_away_as_long_as_what_it_sends_does() -> None:
    outlet = KafkaOutlet(Connection("127.0.0.1:1", "groundswell."), TopicSettings())

    assert outlet._consumer._request_timeout_ms == PATIENCE_MS
    await outlet._stop()
