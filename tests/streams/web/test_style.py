"""Colours of the page, read from its style sheet: what is written in them can be read."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

STYLE = (files("streams.web") / "page" / "style.css").read_text()
LEAST = 4.5
"""Contrast of text that WCAG 2.2 asks for, criterion 1.4.3."""


def colours(theme: str) -> dict[str, str]:
    block = STYLE.split({"light": ":root {", "dark": ':root[data-theme="dark"] {'}[theme])[1].split("}")[0]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_label_can_be_read_on_every_hue(theme: str) -> None:
    known = colours(theme)
    hues = [value for name, value in known.items() if re.fullmatch(r"h\d+", name)]

    assert len(hues) == 12
    assert min(contrast(known["on-band"], hue) for hue in hues) >= LEAST


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["ink", "soft", "accent", "calm", "against"])
@pytest.mark.parametrize("ground", ["paper", "card", "accent-soft"])
def test_text_can_be_read_on_every_ground(theme: str, name: str, ground: str) -> None:
    known = colours(theme)

    assert contrast(known[name], known[ground]) >= LEAST
