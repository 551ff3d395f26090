from __future__ import annotations

from streams.web.caching import MOST, Answers


def test_many_viewers_cost_what_one_does_and_nobody_sees_what_is_older_than_a_second() -> None:
    clock, made = [0.0], []
    answers = Answers(now=lambda: clock[0])

    def make() -> int:
        made.append(len(made))
        return made[-1]

    told = []
    for seconds in (0.0, 0.9, 1.0, 1.5, 2.5):
        clock[0] = seconds
        told.append(answers.get("/api/flow", make))

    assert told == [b"0", b"0", b"1", b"1", b"2"]


def test_addresses_that_nobody_asks_again_are_forgotten() -> None:
    answers = Answers()
    for n in range(2 * MOST):
        answers.get(f"/api/flow?points={n}", int)

    assert len(answers._kept) == MOST
