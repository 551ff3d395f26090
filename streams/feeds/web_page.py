"""A page or file on the web, fetched once and read like a file."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

from streams.feeds.feed import FeedError, Item, Position
from streams.feeds.files import HEAD_BYTES, Options, detect, stream_items
from streams.feeds.network import Patience, Sleep, get_bytes, open_session

__all__ = ["WebPage"]


class WebPage:
    """The comments that stand on a page now.

    Feeding it again later sends all of them again, with the same ids: the road passes over what is
    unchanged, and takes what was added or edited.

    Parameters
    ----------
    url
        Its address, ``http://`` or ``https://``.
    """

    is_resumable = False

    def __init__(
        self,
        url: str,
        options: Options,
        *,
        patience: Patience | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._url = url
        self._options = options
        self._patience = patience or Patience(give_up_seconds=60)
        self._sleep = sleep

    @property
    def name(self) -> str:
        """The address."""
        return self._url

    async def read(self, position: Position) -> AsyncGenerator[Item, None]:
        """Give the items after a position that counts in the same format."""
        async with open_session() as session:
            raw = await get_bytes(session, self._url, patience=self._patience, sleep=self._sleep)
        name = urlsplit(self._url).path.rpartition("/")[2] or "the page"
        if raw[:2] == b"\x1f\x8b" or raw[:4] == b"\x28\xb5\x2f\xfd":
            raise FeedError(f"{name} is compressed; fetch it to a file and feed that.")
        kind = self._options.format or detect(raw[:HEAD_BYTES], name, self._options.mapping)
        for item in stream_items(io.BytesIO(raw), kind, self._options, position):
            yield item
