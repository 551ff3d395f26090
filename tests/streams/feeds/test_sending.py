"""From a feed to an outlet: pace, batches, holding back, interruption, going on."""

import asyncio

import pytest

from agents.errors import RoadError
from agents.records import Comment, encode
from streams.feeds.feed import Article, FeedError, Gap, Item, Refused
from streams.feeds.keys import Keys
from streams.feeds.pace import AsIs, Rate, Speed
from streams.feeds.positions import PositionFile
from streams.feeds.sending import MAX_RECORD_BYTES, Sending, value_digest


def comment(number, **fields):
    return Comment(id=f"c{number}", text=f"Text {number}.", discussion="d", **fields)


class ListFeed:
    """Gives what a list holds; an exception in it is raised; ``hold`` keeps it open at the end."""

    is_resumable = True
    name = "list"

    def __init__(self, *whats, hold=False):
        self._whats = whats
        self._hold = hold
        self.closed = False

    async def read(self, position):
        try:
            for number, what in enumerate(self._whats[position.get("n", 0) :], position.get("n", 0) + 1):
                if isinstance(what, Exception):
                    raise what
                yield Item(what, {"n": number})
            if self._hold:
                await asyncio.Event().wait()
        finally:
            self.closed = True


class ListOutlet:
    """Keeps what was sent; fails or has no room when told to."""

    def __init__(self):
        self.batches = []
        self.fail_at = None
        self.no_room = 0
        self.on_send = lambda: None
        self.asked = asyncio.Event()

    @property
    def sent(self):
        return [emission.record for batch in self.batches for emission in batch]

    async def room(self, n_bytes):
        self.no_room -= 1
        self.asked.set()
        return self.no_room < 0

    async def send(self, emissions):
        if len(self.batches) == self.fail_at:
            raise RoadError("the broker went away")
        self.batches.append(list(emissions))
        self.on_send()

    def offsets(self):
        return {"0": len(self.sent)}


def _sending(feed, outlet, tmp_path=None, pace=None, **more):
    file = PositionFile.of(feed.name, "cluster", tmp_path) if tmp_path else None
    return Sending(feed, outlet, Keys(2), pace or AsIs(), positions=file, **more), file


async def test_everything_is_sent_in_order_and_the_position_kept(tmp_path):
    outlet = ListOutlet()
    sending, file = _sending(ListFeed(*map(comment, range(1200))), outlet, tmp_path)

    progress = await sending.run({})

    assert outlet.sent == [comment(number) for number in range(1200)]
    assert [len(batch) for batch in outlet.batches] == [500, 500, 200]
    assert (progress.confirmed, progress.n_refused, progress.interrupted) == (1200, 0, False)
    assert file.load().position == {"n": 1200}
    assert file.load().sent == 1200


async def test_what_is_no_comment_is_counted_for_what_it_is():
    outlet = ListOutlet()
    refused = Refused(b"nonsense", "not_json", "not JSON", "line 2")
    feed = ListFeed(comment(1), refused, Article("d", "Title", "Text"), Gap(9.0, "9 s are missing"), None)

    progress = await _sending(feed, outlet)[0].run({})

    assert (progress.confirmed, progress.n_refused, progress.articles) == (1, 1, 1)
    assert progress.gaps == ["9 s are missing"]
    assert progress.first_refused == "line 2: not JSON"
    letter = outlet.batches[0][1]
    headers = dict(letter.headers)
    assert (letter.topic, letter.record) == ("comments.rejected", b"nonsense")
    assert (headers["stage"], headers["reason"]) == (b"feed", b"not_json")


async def test_a_comment_that_no_topic_takes_is_refused_and_the_feed_goes_on():
    outlet = ListOutlet()
    huge = Comment(id="huge", text="x" * MAX_RECORD_BYTES)

    progress = await _sending(ListFeed(huge, comment(1)), outlet)[0].run({})

    assert progress.refused == {"too_large": 1}
    assert progress.confirmed == 1


async def test_a_limit_ends_the_run_and_the_next_one_goes_on(tmp_path):
    outlet, feed = ListOutlet(), ListFeed(*map(comment, range(5)))

    sending, file = _sending(feed, outlet, tmp_path, limit=2)
    await sending.run({})
    sending, _ = _sending(feed, outlet, tmp_path, limit=2)
    await sending.run(file.load().position)

    assert outlet.sent == [comment(number) for number in range(4)]


async def test_a_broker_that_refuses_leaves_the_position_at_the_last_confirmed_batch(tmp_path):
    outlet = ListOutlet()
    outlet.fail_at = 1
    sending, file = _sending(ListFeed(*map(comment, range(700))), outlet, tmp_path)

    with pytest.raises(RoadError):
        await sending.run({})

    assert sending.progress.confirmed == 500
    assert file.load().position == {"n": 500}


async def test_what_an_interrupted_run_wrote_beyond_its_position_is_not_sent_again():
    outlet = ListOutlet()
    written = [value_digest(encode(comment(number))) for number in (0, 2)]

    sending, _ = _sending(ListFeed(*map(comment, range(4))), outlet, sent_before=written)
    progress = await sending.run({})

    assert outlet.sent == [comment(1), comment(3)]
    assert (progress.confirmed, progress.skipped) == (2, 2)


async def test_an_edit_is_sent_though_its_id_was_sent_before():
    outlet = ListOutlet()
    written = [value_digest(encode(comment(0)))]
    edit = Comment(id="c0", text="Other.", discussion="d")

    await _sending(ListFeed(comment(0), edit), outlet, sent_before=written)[0].run({})

    assert outlet.sent == [edit]


async def test_a_source_that_fails_has_what_it_gave_before_sent(tmp_path):
    outlet = ListOutlet()
    sending, file = _sending(ListFeed(comment(0), FeedError("damaged")), outlet, tmp_path)

    with pytest.raises(FeedError, match="damaged"):
        await sending.run({})

    assert outlet.sent == [comment(0)]
    assert file.load().position == {"n": 1}


async def test_a_stop_sends_what_is_in_hand_and_closes_the_feed(tmp_path):
    outlet, stop = ListOutlet(), asyncio.Event()
    feed = ListFeed(comment(0), comment(1), hold=True)
    outlet.on_send = stop.set
    sending, file = _sending(feed, outlet, tmp_path, stop=stop)

    progress = await sending.run({})

    assert outlet.sent == [comment(0), comment(1)]
    assert progress.interrupted
    assert file.load().position == {"n": 2}
    assert feed.closed


async def test_it_holds_back_until_the_reader_has_room():
    outlet = ListOutlet()
    outlet.no_room = 2

    progress = await _sending(ListFeed(comment(0)), outlet)[0].run({})

    assert outlet.sent == [comment(0)]
    assert progress.held_seconds > 0.3


async def test_a_stop_while_holding_back_gives_up_what_is_not_sent(tmp_path):
    outlet, stop = ListOutlet(), asyncio.Event()
    outlet.no_room = 10**9
    sending, file = _sending(ListFeed(comment(0)), outlet, tmp_path, stop=stop)
    running = asyncio.create_task(sending.run({}))
    await outlet.asked.wait()

    stop.set()
    progress = await running

    assert (outlet.sent, progress.confirmed) == ([], 0)
    assert file.load() is None


async def test_a_rate_is_kept():
    outlet = ListOutlet()
    loop = asyncio.get_running_loop()
    began = loop.time()

    await _sending(ListFeed(*map(comment, range(6))), outlet, pace=Rate(10))[0].run({})

    assert loop.time() - began == pytest.approx(0.5, abs=0.3)
    assert len(outlet.batches) > 1


async def test_a_replay_keeps_the_distances_of_the_comments():
    outlet = ListOutlet()
    loop = asyncio.get_running_loop()
    whats = [comment(n, created_at=1_000.0 + 60 * n) for n in range(4)]
    began = loop.time()

    await _sending(ListFeed(*whats), outlet, pace=Speed(600))[0].run({})

    assert loop.time() - began == pytest.approx(0.3, abs=0.25)
    assert outlet.sent == whats
