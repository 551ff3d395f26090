from __future__ import annotations

import numpy as np
import pytest

from agents.clustering.block import Decisions, Part
from agents.clustering.micro import MicroClusters
from tests.agents.clustering.test_micro import X, Y, Z, crowd, live, part
from tests.support.talking import unit


def kin(core: MicroClusters, told: Part, row: int = -1) -> dict[int, float]:
    """Return how similar what the row founded, or brought a second comment, is to each other, by number."""
    decisions = core.assign(told)
    found = decisions.kinships[range(len(told))[row]]
    return dict(zip(found.numbers.tolist(), found.similarities.tolist(), strict=True))


def everything(decided: list[Decisions]) -> list[dict[int, tuple[float, int, float, float]]]:
    """Return all kinships in the order of the comments."""
    return [
        dict(
            zip(
                each.numbers.tolist(),
                zip(
                    each.similarities.tolist(),
                    each.counts.tolist(),
                    each.weights.tolist(),
                    each.silences.tolist(),
                    strict=True,
                ),
                strict=True,
            )
        )
        for decisions in decided
        for _, each in sorted(decisions.kinships.items())
    ]


def test_a_founder_is_as_similar_as_the_mean_of_all_comments() -> None:
    core = live(lexical_weight=0.0, share_weight=0.0, new_below=0.5)
    said = [X, unit(X + 0.5 * Y), Z]
    core.assign(part(said))
    founder = unit(Y + 0.3 * X)

    assert kin(core, part([founder])) == pytest.approx(
        {0: (said[0] @ founder + said[1] @ founder) / 2, 1: Z @ founder}, abs=2e-3
    )


def test_words_count_as_much_as_the_settings_say() -> None:
    core = live(lexical_weight=0.4, new_below=0.9)
    core.assign(part([X, Y], texts=["ramp", "pool"]))

    found = kin(core, part([Z], texts=["ramp"]))

    assert found == pytest.approx({0: 0.4, 1: 0.0}, abs=1e-3)


def test_a_second_comment_counts_with_the_first() -> None:
    core = live(lexical_weight=0.0, share_weight=0.0, new_below=0.5)
    core.assign(part([X]))
    first, second = unit(Y + 0.4 * X), unit(Y + 0.1 * X)

    alone = kin(core, part([first]))
    both = kin(core, part([second]))

    assert alone == pytest.approx({0: X @ first}, abs=2e-3)
    assert both == pytest.approx({0: (X @ first + X @ second) / 2}, abs=2e-3)


def test_a_third_comment_has_no_kinship() -> None:
    core = live(lexical_weight=0.0)

    assert sorted(core.assign(part([X, X, X, X])).kinships) == [0, 1]


def test_comments_of_the_open_block_count_already() -> None:
    core = live(lexical_weight=0.0, share_weight=0.0, new_below=0.5)
    core.assign(part([X] * 640))
    young = [Y, unit(Y + 0.5 * Z), unit(Y + 0.5 * Z)]

    decisions = core.assign(part([*young, unit(Z + 0.3 * Y)], at=1.7e9 + 700))

    founder = unit(Z + 0.3 * Y)
    found = decisions.kinships[3]
    assert found.counts[1] == 3
    assert found.similarities[1] == pytest.approx(np.mean([each @ founder for each in young]), abs=2e-3)


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_kinship_is_the_same_whatever_the_batches(batch: int) -> None:
    told = crowd(600)
    whole, cut = live(new_below=0.75), live(new_below=0.75)

    at_once = everything([whole.assign(told)])
    in_parts = everything([cut.assign(told.cut(i, min(i + batch, 600))) for i in range(0, 600, batch)])

    assert len(at_once) > 20
    assert in_parts == at_once


def test_a_restart_within_a_block_changes_no_kinship() -> None:
    told = crowd(600)
    core = live(new_below=0.75)
    at_once = everything([core.assign(told)])
    decided = []
    core = live(new_below=0.75)
    for i in range(0, 600, 5):
        again = live(new_below=0.75)
        again.restore(core.snapshot())
        core = again
        decided.append(core.assign(told.cut(i, i + 5)))
        core.drain()

    assert everything(decided) == at_once
