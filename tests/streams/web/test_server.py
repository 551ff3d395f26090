from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace

from agents.embedding.settings import EmbeddingSettings
from agents.records import Drift
from streams.publish import Connection
from streams.web import server
from streams.web.post import Comments, PostSettings
from streams.web.reader import Reader
from streams.web.readiness import Readiness
from streams.web.settings import WebSettings
from streams.web.view import View

READY = Readiness(is_ready=True)


class Worker:
    """What the server asks of a worker, changed by hand."""

    def __init__(self) -> None:
        self.readiness = READY


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
async def client(view: View, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setattr(server, "GATHER_SECONDS", 0.0)
    application = server.build(
        view, lambda: b"groundswell_up 1\n", lambda: worker.readiness, (), WebSettings(viewers=2)
    )
    async with TestClient(TestServer(application)) as opened:
        yield opened


VIEWS = [
    "/api/overview",
    "/api/flow",
    "/api/clusters",
    "/api/comments",
    "/api/events",
    "/api/drift",
    "/api/stances",
]


@pytest.mark.parametrize(
    "path", [*VIEWS, "/", "/api", "/page/app.js", "/page/style.css", "/healthz", "/status"]
)
async def test_everything_answers_before_the_first_comment(client: Any, path: str) -> None:
    answer = await client.get(path)

    assert answer.status == 200


@pytest.mark.parametrize("path", [*VIEWS, "/", "/nowhere", "/api/clusters/c9", "/metrics", "/api/flow?top=x"])
async def test_every_answer_forbids_foreign_and_inline_code(client: Any, path: str) -> None:
    answer = await client.get(path)

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_page_has_no_inline_code(client: Any) -> None:
    for path in ("/", "/api"):
        text = await (await client.get(path)).text()

        assert "style=" not in text
        assert "<style" not in text
        assert "javascript:" not in text
        assert all("src=" in tag for tag in text.split("<script")[1:])


@pytest.mark.parametrize("path", ["/page/../server.py", "/page/%2e%2e/server.py", "/page/vendor", "/page/"])
async def test_nothing_beside_the_page_is_given(client: Any, path: str) -> None:
    assert (await client.get(path)).status == 404


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("clusters?limit=0", "limit is '0'; it must be a whole number in 1..200."),
        ("clusters?state=dead", "state is 'dead'; it must be one of live, merged, faded."),
        ("comments?before=x", "before is 'x'; it must be the 'next' of the page before."),
        ("flow?window=1e9", "window is '1e9'; it must be a whole number in 60..31622400."),
        ("flow?colour=red", "'colour' is no parameter"),
    ],
)
async def test_a_wrong_query_is_told_what_may_be(client: Any, query: str, words: str) -> None:
    answer = await client.get(f"/api/{query}")

    assert answer.status == 400
    assert words in (await answer.json())["error"]


async def test_comments_are_paged_without_gap_or_repeat(client: Any, view: View, make: Any) -> None:
    for n in range(9):
        view.apply("assignments", f"a{n}", make.assignment(f"a{n}", minute=n // 2))

    found: list[str] = []
    query = {"limit": "4"}
    while True:
        page = await (await client.get("/api/comments", params=query)).json()
        found += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        query["before"] = page["next"]

    assert found == [f"a{n}" for n in reversed(range(9))]


async def test_clusters_are_paged(client: Any, view: View, make: Any) -> None:
    for n in range(5):
        view.apply("clusters", f"c{n}", make.cluster(f"c{n}", n / 10))

    first = await (await client.get("/api/clusters?limit=3")).json()
    second = await (await client.get(f"/api/clusters?limit=3&offset={first['next']}")).json()

    assert [row["id"] for row in first["items"]] == ["c4", "c3", "c2"]
    assert [row["id"] for row in second["items"]] == ["c1", "c0"]
    assert (first["total"], second["next"]) == (5, None)


async def test_a_cluster_tells_its_history_life_and_neighbours(client: Any, view: View, make: Any) -> None:
    one = b"\x00\x3c\x00\x00"  # (1, 0) as float16
    both = b"\x00\x3c\x00\x3c"  # (1, 1)
    view.apply("clusters", "c1", make.cluster("c1", centroid=one))
    view.apply("clusters", "c2", make.cluster("c2", centroid=both))
    view.apply("lineage", "c1", make.event("e1"))
    view.apply("lineage", "c2", make.event("e2", "split", "c2", other="c1", minute=1))
    view.apply("pulse", "0", make.pulse(0, {"c1": 0.5}))

    told = await (await client.get("/api/clusters/c1")).json()

    assert [event["id"] for event in told["life"]] == ["e2", "e1"]
    assert [other["id"] for other in told["neighbours"]] == ["c2"]
    assert told["neighbours"][0]["similarity"] == pytest.approx(0.5**0.5)
    assert told["history"]["series"][0]["shares"] == [0.5]


@pytest.mark.parametrize(
    ("readiness", "idle", "state"),
    [
        (READY, False, "live"),
        (READY, True, "paused"),
        (Readiness(is_ready=True, lag=9, behind_seconds=61.0), False, "behind"),
        (Readiness(is_ready=False, reasons=("no broker",)), False, "stopped"),
    ],
)
async def test_the_state_is_one_word(
    client: Any, view: View, worker: Worker, make: Any, readiness: Readiness, idle: bool, state: str
) -> None:
    worker.readiness = readiness
    view.apply("pulse", "0", make.pulse(idle=idle))

    told = await (await client.get("/api/overview")).json()

    assert told["state"] == state


async def test_before_the_first_tick_it_is_empty_then_forming(client: Any, view: View, make: Any) -> None:
    empty = (await (await client.get("/api/overview")).json())["state"]
    view.apply("assignments", "a", make.assignment())

    assert empty == "empty"
    assert (await (await client.get("/api/overview?limit=50")).json())["state"] == "forming"


async def test_readyz_fails_with_the_reason(client: Any, worker: Worker) -> None:
    worker.readiness = Readiness(is_ready=False, reasons=("The broker is gone; start it.",))

    answer = await client.get("/readyz")

    assert answer.status == 503
    assert (await answer.json())["reasons"] == ["The broker is gone; start it."]


async def test_who_asks_by_a_foreign_name_is_told_why_and_hears_nothing(client: Any) -> None:
    for path in ("/", "/api/comments", "/events", "/metrics", "/nowhere"):
        answer = await client.get(path, headers={"Host": "evil.example"})

        assert answer.status == 421
        assert "'evil.example' is no name of this page" in (await answer.json())["error"]
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_a_page_of_another_site_posts_nothing(view: View) -> None:
    posted = []

    async def take(emissions: Any) -> None:
        posted.extend(emissions)

    application = server.build(view, lambda: b"", lambda: READY, (), WebSettings())
    Comments(take, 4, PostSettings(), EmbeddingSettings()).add_to(application)
    async with TestClient(TestServer(application)) as client:
        own = str(client.make_url("/")).rstrip("/")
        body = {"data": '{"id": "a", "text": "Trams."}', "skip_auto_headers": ["Content-Type"]}
        foreign = await client.post("/comments", headers={"Origin": "https://evil.example"}, **body)
        refused = (foreign.status, (await foreign.json())["error"], list(posted))
        taken = [
            (await client.post("/comments", headers=headers, **body)).status
            for headers in ({}, {"Origin": own})
        ]

    assert refused[0] == 403
    assert "the browser asks for a page of 'https://evil.example'" in refused[1]
    assert refused[2] == []
    assert taken == [202, 202]


async def next_change(stream: Any) -> Any:
    async with asyncio.timeout(5):
        while True:
            line = (await stream.content.readline()).decode()
            if line.startswith("data: "):
                return json.loads(line[6:])


async def test_a_change_is_told_live(client: Any, view: View, make: Any) -> None:
    stream = await client.get("/events")
    before = await next_change(stream)

    view.apply("clusters", "c1", make.cluster())
    after = await next_change(stream)

    assert before["versions"]["clusters"] == 0
    assert after["versions"]["clusters"] == 1
    stream.close()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("HEAD", "/events", "GET"), ("OPTIONS", "/api/overview", "GET,HEAD"), ("POST", "/api/flow", "GET,HEAD")],
)
async def test_what_may_not_be_done_is_told_as_every_mistake(
    client: Any, method: str, path: str, allowed: str
) -> None:
    async with asyncio.timeout(10):
        answer = await client.request(method, path)
        said = await answer.read()

    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    assert answer.headers["Content-Type"] == "application/json"
    assert "Content-Security-Policy" in answer.headers
    assert method == "HEAD" or "/api lists what may be asked" in json.loads(said)["error"]


async def test_viewers_are_bounded(client: Any) -> None:
    streams = [await client.get("/events") for _ in range(2)]

    refused = await client.get("/events")

    assert refused.status == 503
    assert "as many as web.viewers allows" in (await refused.json())["error"]
    for stream in streams:
        stream.close()


async def test_stances_show_the_balance_by_the_time_of_the_judge(client: Any, view: View, make: Any) -> None:
    for minute, value in enumerate((-1.0, 0.0, 0.5)):
        told = Drift(measure="balance", subject="tram", at=make.minute(minute), state="value", value=value)
        view.apply("drift", "balance", told)
    view.apply("pulse", "0", make.pulse(5, sides_total={"tram": {"favor": 2}}))

    (whole,) = (await (await client.get("/api/stances")).json())["targets"]
    (recent,) = (await (await client.get("/api/stances?window=60")).json())["targets"]

    assert whole["balances"] == [-1.0, 0.0, 0.5]
    assert whole["times"] == [make.minute(n).timestamp() for n in range(3)]
    assert recent["balances"] == [0.0, 0.5]


async def test_stances_tell_when_the_sides_turned(client: Any, view: View, make: Any) -> None:
    view.apply("pulse", "0", make.pulse(30, sides_total={"tram": {"favor": 5, "against": 5}}))
    for n in range(10):
        side = "against" if n < 5 else "favor"
        judged = make.judgement(f"m{n}", side, event_time=make.minute(n))
        view.apply("judgements", f"m{n}+tram", judged)

    (told,) = (await (await client.get("/api/stances")).json())["targets"]

    turn = told["turn"]
    assert (turn["at"], turn["before"], turn["since"]) == (make.minute(5).timestamp(), 0.0, 1.0)
    assert turn["is_one"]
    assert turn["chance"] < 0.05


async def test_stances_show_a_side_from_exemplars_and_sure_judgements(
    client: Any, view: View, make: Any
) -> None:
    surer = replace(make.exemplar("d"), similarity=0.9)
    exemplars = {"tram": {"favor": (make.exemplar("a"),)}}
    view.apply("clusters", "c2", make.cluster("c2", 0.1, side_exemplars={"tram": {"favor": (surer,)}}))
    view.apply("clusters", "c1", make.cluster(side_exemplars=exemplars, sides={"tram": {"favor": 1}}))
    view.apply("judgements", "b+tram", make.judgement("b", confidence=0.6))
    view.apply("judgements", "c+tram", make.judgement("c", confidence=0.4))
    view.apply("pulse", "0", make.pulse(sides_total={"tram": {"favor": 2}}))

    (target,) = (await (await client.get("/api/stances")).json())["targets"]

    assert [shown["id"] for shown in target["sides"]["favor"]] == ["d", "a", "b"]
    assert target["clusters"][0]["sides"] == {"favor": 1}


async def test_a_discussion_shows_only_what_happened_to_its_clusters(
    client: Any, view: View, make: Any
) -> None:
    view.apply("assignments", "a", make.assignment("a", cluster="c1", micro="0-1", discussion="d"))
    view.apply("assignments", "b", make.assignment("b", cluster="c2", micro="0-2", discussion="e"))
    view.apply("assignments", "x", make.assignment("x", micro="0-3", discussion="d"))
    view.apply("lineage", "c1", make.event("e1", cluster="c1"))
    view.apply("lineage", "c2", make.event("e2", cluster="c2"))
    view.apply("lineage", "c3", make.event("e3", "split", "c3", other="c1"))

    told = await (await client.get("/api/events?discussion=d")).json()

    assert {event["id"] for event in told["items"]} == {"e1", "e3"}


async def test_the_overview_names_the_broker_of_the_worker(client: Any, view: View) -> None:
    Reader(Connection("127.0.0.1:9092", "t."), view)

    assert (await (await client.get("/api/overview")).json())["broker"] == "127.0.0.1:9092"
