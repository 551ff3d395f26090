"""The live page in a real Chromium, over a view that is fed by hand: filters, topics and how one moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from agents.records import Drift
from streams.drift_line import plain_name
from streams.web.readiness import Readiness
from streams.web.server import build
from streams.web.settings import WebSettings
from streams.web.view import View
from tests.streams.web.conftest import Make

pytestmark = [pytest.mark.road, pytest.mark.browser]

N_TOPICS = 68
make = Make()


@pytest.fixture
def view() -> View:
    made = View(WebSettings())
    shares = {f"c{12 * n}": 0.5 / (n + 2) for n in range(N_TOPICS)}
    for name, share in shares.items():
        made.apply("clusters", name, make.cluster(name, share, count=1, centroid=b"\x00\x3c\x00\x3c"))
    for minute in range(2):
        sides = {"tram": {"favor": 1}}
        made.apply("pulse", str(minute), make.pulse(minute, shares, total=1, sides_total=sides))
    for n, name in enumerate(("d", "e")):
        comment = make.assignment(name, minute=n, cluster=f"c{12 * n}", micro=f"0-{n}", discussion=name)
        made.apply("assignments", name, comment)
    return made


class Worker:
    """How the worker is, changed by hand."""

    readiness = Readiness(is_ready=True)


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
async def page(browser: Any, view: View, worker: Worker) -> AsyncIterator[Any]:
    application = build(view, lambda: b"", lambda: worker.readiness, (), WebSettings())
    async with TestServer(application) as server:
        context = await browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
        opened = await context.new_page()
        opened.wrong = []
        opened.on("pageerror", lambda error: opened.wrong.append(str(error)))
        await opened.goto(str(server.make_url("/")))
        await opened.wait_for_selector("#topics button")
        await opened.wait_for_selector("#graph .band")
        yield opened
        await context.close()
    assert opened.wrong == []


async def test_a_part_wider_than_the_choice_says_so(page: Any) -> None:
    async def notes() -> list[str]:
        told: list[str] = await page.eval_on_selector_all(
            "[data-ignores]", "all => all.map(one => one.textContent)"
        )
        return told

    before = await notes()
    await page.select_option("select[name=discussion]", "d")
    of_discussion = await notes()
    await page.select_option("select[name=window]", "3600")

    everywhere, all_kept = "of all discussions", "over all that is kept"
    assert before == [""] * 5
    assert of_discussion == [everywhere, "", "", everywhere, everywhere]
    assert await notes() == [f"{everywhere}, {all_kept}", *[all_kept] * 2, *[everywhere] * 2]


async def test_all_topics_are_shown_where_all_are_promised(page: Any) -> None:
    await page.click(f"text=Show all {N_TOPICS}")
    await page.wait_for_selector("text=Show fewer")

    assert await page.locator("#topics button").count() == N_TOPICS
    assert "1 comment" in await page.inner_text("#topics")
    assert "1 comments" not in await page.inner_text("body")


async def test_what_is_no_topic_of_the_graph_fills_it_up_to_the_whole(page: Any, view: View) -> None:
    for minute in range(2, 12):
        view.apply("pulse", str(minute), make.pulse(minute, {"c0": 0.25, "c12": 0.5}))
    await page.wait_for_selector("#graph svg[aria-label*='all else 25%']")

    heights = await page.evaluate(
        """() => {
            const edge = (one, at) => one.getBoundingClientRect()[at];
            const rest = document.querySelector("#graph .rest");
            const bands = [...document.querySelectorAll("#graph .band")];
            return [edge(rest, "top"), Math.min(...bands.map((one) => edge(one, "top"))),
                    Math.max(...bands.map((one) => edge(one, "bottom"))), edge(rest, "bottom")];
        }"""
    )
    await page.hover("#graph .rest", position={"x": 1100, "y": 28})

    assert heights[0] <= heights[1] + 1
    assert heights[3] >= heights[2] - 1
    assert await page.inner_text(".tip strong") == "All else"
    assert "25% at" in await page.inner_text(".tip")
    assert await page.locator("#graph.lit").count() == 0, "topics stay as they are"


async def test_a_measure_is_called_what_it_is_called_in_the_terminal(page: Any, view: View) -> None:
    alarm = Drift(measure="mmd", at=make.noon, state="alarm", value=0.4)
    view.apply("drift", "mmd", alarm)
    view.apply("pulse", "2", make.pulse(2, {"c0": 0.25}, measures={"share_shift": 0.4, "mmd": 0.1}))

    await page.wait_for_selector(f"#drift .measure >> text={plain_name('share_shift').capitalize()}")
    assert await page.inner_text("#drift .alarm h3") == plain_name("mmd").capitalize()


async def test_a_time_without_a_day_is_today_s(page: Any, view: View) -> None:
    view.apply("lineage", "c0", make.event("e1", cluster="c0"))
    await page.wait_for_selector("#events time >> text=Mar 10")

    now, then = await page.evaluate(
        """async () => {
            const { brief } = await import("/page/words.js");
            return [brief(Date.now() / 1000), brief(Date.now() / 1000 - 86400)];
        }"""
    )

    assert not any(word.isalpha() and word not in {"AM", "PM"} for word in now.replace(",", " ").split())
    assert "," in then


async def test_who_is_behind_says_how_long_the_oldest_has_waited(
    page: Any, view: View, worker: Worker
) -> None:
    worker.readiness = Readiness(is_ready=True, lag=1, behind_seconds=600.0)
    view.apply("pulse", "2", make.pulse(2, {"c0": 0.25}))

    await page.wait_for_selector("#state >> text=10 min behind")

    assert "1 record waits to be read, the oldest for 10 min" in await page.inner_text("#banner")


async def test_a_balance_that_is_not_there_is_said_in_words(page: Any) -> None:
    assert "Nobody takes a side just now" in await page.inner_text("#stances .stance")


async def test_topics_shown_together_differ_in_colour(page: Any) -> None:
    hues = await page.eval_on_selector_all("#graph .band", "all => all.map(one => one.classList[1])")

    assert len(set(hues)) == len(hues) == 12
    assert await page.eval_on_selector_all(
        "#topics button",
        """all => all.every((one) => document.querySelector(
            `.band[data-id=${one.parentElement.dataset.key}]`).classList.contains(one.className))""",
    )


async def test_a_graph_of_two_ticks_has_labels_inside_and_names_its_day(page: Any) -> None:
    places = await page.eval_on_selector_all(
        "#graph .labels text",
        "all => all.map(one => { const b = one.getBBox(); return [b.x, b.x + b.width]; })",
    )
    ticks = await page.evaluate(
        """async () => (await import("/page/words.js"))
            .timeTicks(1741600000, 1741603600, 4).map(([, text]) => text)"""
    )

    width = await page.eval_on_selector("#graph svg", "one => one.clientWidth")
    assert places
    assert all(left >= 0 and right <= width for left, right in places)
    assert "Mar" in ticks[0]
    assert not any("Mar" in text for text in ticks[1:])


async def test_the_skip_link_leaves_the_choice_alone(page: Any) -> None:
    await page.select_option("select[name=discussion]", "d")
    await page.focus(".skip")
    await page.keyboard.press("Enter")

    assert await page.evaluate("document.activeElement.id") == "topics-title"
    assert await page.input_value("select[name=discussion]") == "d"
    assert "discussion=d" in page.url


async def test_back_goes_through_topics_and_then_closes_the_sheet(page: Any) -> None:
    await page.click("#topics li[data-key=c0] button")
    await page.click("#sheet .plain .chip >> nth=0")
    await page.wait_for_selector("#sheet h2 >> text='label of c12'")
    await page.go_back()
    await page.wait_for_selector("#sheet h2 >> text='label of c0'")

    await page.go_back()
    await page.wait_for_selector("#sheet:not([open])", state="attached")

    assert "cluster" not in page.url


async def test_the_focus_stays_in_the_sheet_and_goes_back_to_the_list(page: Any, view: View) -> None:
    inside = "document.activeElement.closest('#sheet') !== null"
    await page.focus("#topics li[data-key=c0] button")
    await page.keyboard.press("Enter")
    await page.focus("#sheet .plain .chip")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#sheet .figures")
    assert await page.evaluate(inside)

    await page.focus("#sheet .plain .chip")
    for name in ("c0", "c12"):
        view.apply("clusters", name, make.cluster(name, 0.4, label="another label"))
    await page.wait_for_selector("#sheet >> text=another label")
    assert await page.evaluate(inside)

    await page.keyboard.press("Escape")
    await page.wait_for_selector("#sheet:not([open])", state="attached")
    await page.wait_for_selector("#topics button:focus")


async def test_a_topic_that_cannot_be_shown_says_why(page: Any) -> None:
    await page.evaluate("location.hash = 'cluster=c9999'")
    await page.wait_for_selector("#sheet >> text=No such topic")
    await page.keyboard.press("Escape")
    await page.route("**/api/clusters/*", lambda route: route.abort())

    await page.click("#topics li[data-key=c0] button")

    await page.wait_for_selector("#sheet >> text=This topic can't be read just now")


async def test_a_chosen_theme_outlasts_a_change_of_the_system(page: Any) -> None:
    await page.emulate_media(color_scheme="dark")
    await page.wait_for_selector("html[data-theme=dark]")
    await page.click("#theme")
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    assert await page.get_attribute("html", "data-theme") == "light"
