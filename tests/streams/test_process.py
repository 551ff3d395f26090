"""How a process of ours runs Python."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from streams.process import COLLECT_EVERY, SWITCH_SECONDS, settle


@pytest.fixture
def unsettled() -> Iterator[None]:
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("unsettled")
def test_it_keeps_what_is_loaded_out_of_the_collector_and_matrices_on_one_thread() -> None:
    loaded: list[list[int]] = [[] for _ in range(1000)]
    assert np.ones(2) @ np.ones(2) == 2  # numpy has its own threads

    settle()
    settle()

    assert gc.get_threshold()[0] == COLLECT_EVERY
    assert gc.get_freeze_count() >= len(loaded)
    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    assert {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"} == {1}
