"""The live page in a real Chromium, over a worker that comments run through; hostile ones too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from agents.embedding.encoder import load_encoder
from agents.embedding.settings import EmbeddingSettings
from agents.records import Comment
from streams.app import Worker
from streams.feeds.files import read_file
from streams.feeds.sample import SAMPLE
from streams.settings import load_settings
from tests.support.worker import feed, running, settled

pytestmark = [pytest.mark.road, pytest.mark.browser]

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
HOSTILE = [
    "<script>window.injected = true</script>",
    "<img src=x onerror='window.injected = true'>",
    "<svg/onload=window.injected=true>",
    "javascript:window.injected=true",
    "\u202eturned round\u2066 and isolated",
    "W" * 10_000,
    "codes \u0007\u001b[31m\u0000 in between",
    "Z" + "\u0335\u0321" * 200,
    "{{7*7}} ${7*7} <%= 7*7 %>",
]


@pytest.fixture
async def worker(embedded: str) -> AsyncIterator[Worker]:
    settings = load_settings(
        {"embedding": {"encoder": "static"}, "web": {"port": 0}, "delivery": {"pause_seconds": 0.5}}
    )
    encoder = load_encoder(EmbeddingSettings(encoder="static"))
    async with running(settings, embedded, encoder) as started:
        yield started


ORDERS = ["abc", "cab", "bc", "dbca", "adbc", ""]


async def opened(browser: Any, worker: Worker, size: dict[str, int], scheme: str = "light") -> Any:
    context = await browser.new_context(viewport=size, color_scheme=scheme, timezone_id="Asia/Tokyo")
    page = await context.new_page()
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda said: said.type == "error" and page.wrong.append(said.text))
    await page.goto(worker.url)
    return page


async def test_the_page_lives_from_the_first_comment_to_the_last(
    browser: Any, worker: Worker, embedded: str, tmp_path: Path
) -> None:
    page = await opened(browser, worker, DESKTOP)
    await page.wait_for_selector("#state[data-state=empty]")
    assert "Nothing has been said yet" in await page.inner_text("#banner")
    assert f"--broker {embedded}" in await page.inner_text("#banner")

    await feed(worker, islice(read_file(SAMPLE), 150), key="one discussion")
    await settled(worker)
    # By server-sent events alone: nobody reloads.
    await page.wait_for_selector("#state[data-state=paused]", timeout=30_000)
    await page.wait_for_selector("#topics button", timeout=30_000)

    biggest = worker.view.live()[0]
    assert biggest.label in await page.inner_text("#topics")
    assert await page.locator(f".band[data-id={biggest.id}]").count() == 1
    assert "Asia/Tokyo" in await page.inner_text("footer")
    await a_topic_opens_by_keyboard(page, worker)
    await a_filter_is_kept_in_the_address(page)
    await it_fits_a_phone_in_the_dark(browser, worker, tmp_path)
    assert page.wrong == []


async def a_topic_opens_by_keyboard(page: Any, worker: Worker) -> None:
    biggest = worker.view.live()[0]
    await page.focus("#topics button")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#sheet[open] .figures")

    assert biggest.label in await page.inner_text("#sheet h2")
    assert await page.locator("#sheet .quote").count() > 3
    assert f"cluster={biggest.id}" in page.url

    await page.keyboard.press("Escape")
    await page.wait_for_selector("#sheet:not([open])", state="attached")
    assert await page.evaluate("document.activeElement.closest('#topics') !== null")


async def a_filter_is_kept_in_the_address(page: Any) -> None:
    discussion = await page.eval_on_selector(
        "select[name=discussion]", "select => select.options[1]?.value ?? null"
    )
    if discussion is None:
        return
    await page.evaluate(
        "value => { const s = document.querySelector('select[name=discussion]'); s.value = value;"
        " s.dispatchEvent(new Event('change', {bubbles: true})); }",
        discussion,
    )
    await page.wait_for_function("location.hash.includes('discussion=')")
    await page.wait_for_selector("#graph svg")


async def it_fits_a_phone_in_the_dark(browser: Any, worker: Worker, tmp_path: Path) -> None:
    page = await opened(browser, worker, PHONE, "dark")
    await page.wait_for_selector("#topics button")

    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await page.evaluate("document.documentElement.dataset.theme") == "dark"
    small = await page.eval_on_selector_all(
        "main button, header button, header select",
        "all => all.filter(e => e.offsetParent && !e.matches('.chip') && e.offsetHeight < 40).length",
    )
    assert small == 0, "what a finger presses is at least 40 pixels high"
    await page.screenshot(path=tmp_path / "phone.png", full_page=True)
    assert page.wrong == []


async def test_hostile_comments_are_only_text(browser: Any, worker: Worker) -> None:
    page = await opened(browser, worker, PHONE)
    comments = [
        Comment(id=f"h{n}-{again}", text=f"{text} the tram {again}", discussion=text[:200], source=text[:200])
        for again in range(6)
        for n, text in enumerate(HOSTILE)
    ]

    await feed(worker, comments, key="one discussion")
    await settled(worker)
    await page.wait_for_selector("#state[data-state=paused]", timeout=30_000)
    await page.wait_for_selector("#topics button", timeout=30_000)
    for number in range(min(3, await page.locator("#topics button").count())):
        await page.locator("#topics button").nth(number).click()
        await page.wait_for_selector("#sheet[open] .figures")
        await page.keyboard.press("Escape")

    assert await page.evaluate("window.injected") is None
    assert await page.locator("main img, main script, dialog img, dialog script").count() == 0
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.wrong == []


async def test_a_list_that_changed_shows_its_rows_in_their_order(browser: Any, worker: Worker) -> None:
    page = await opened(browser, worker, DESKTOP)

    orders = await page.evaluate(
        """async (orders) => {
            const { settle, h } = await import("/page/dom.js");
            const list = h("ul", null, "nothing yet");
            return orders.map((order) => {
                settle(list, [...order], (name) => name, (name) => h("li", null, name));
                return list.textContent;
            });
        }""",
        ORDERS,
    )
    ticks = await page.evaluate(
        """async () => (await import("/page/words.js")).timeTicks(1.4e9, 1.8e9, 9).map(([, text]) => text)"""
    )

    assert orders == ORDERS
    assert 2 <= len(ticks) <= 10
    assert all("20" in text for text in ticks), "over years a tick names its year"
