"""One way to refuse a number that is out of its range: the value, the bound, the remedy."""

from __future__ import annotations

import math

from agents.errors import SettingsError

__all__ = ["check_bounds"]


def check_bounds(section: str, settings: object, **bounds: tuple[float, float]) -> None:
    """Check that each named field of a settings dataclass lies in its range, ends included.

    Parameters
    ----------
    section
        Name of the section as the user writes it.
    settings
        A dataclass whose fields have defaults.
    bounds
        Lowest and highest value by the name of the field.

    Raises
    ------
    SettingsError
        At the first field out of its range.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Web:
    ...     port: int = 6066
    >>> check_bounds("web", Web(70_000), port=(0, 65_535))
    Traceback (most recent call last):
    agents.errors.SettingsError: web.port is 70000; it must lie in 0 to 65535. Set it in groundswell.toml, \
e.g. port = 6066.
    """
    for name, (low, high) in bounds.items():
        value = getattr(settings, name)
        if not low <= value <= high:
            default = getattr(type(settings)(), name)
            top = f"{low:g} or above" if math.isinf(high) else f"{low:g} to {high:.10g}"
            raise SettingsError(
                f"{section}.{name} is {value}; it must lie in {top}. "
                f"Set it in groundswell.toml, e.g. {name} = {default}."
            )
