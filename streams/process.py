"""How a process of ours runs Python."""

from __future__ import annotations

import gc
import sys
from typing import Final

from threadpoolctl import threadpool_limits

__all__ = ["settle"]

SWITCH_SECONDS: Final = 0.0002
"""How long one thread may keep the others from Python. At the usual 5 ms the encoder, which leaves Python
and comes back at every layer of its network, loses a fifth of its rate to the event loop."""

COLLECT_EVERY: Final = 20_000
"""Objects that may pile up before Python looks for cycles among them. Under load every message makes a
handful that live until it is acknowledged; at the usual 700 a tenth of a core went into looking at those
again and again."""


def settle() -> None:
    """Suit Python to what is to come, once everything is loaded; to be called again does no harm."""
    threadpool_limits(1, user_api="blas")  # a step's matrices are small: a second thread only spins
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()  # what is loaded stays for as long as the process
    gc.set_threshold(COLLECT_EVERY)
