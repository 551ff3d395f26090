"""The file that keeps a position."""

import pytest

from streams.feeds import FeedError
from streams.feeds.positions import PositionFile, default_folder


def test_what_was_kept_is_read_by_the_next_run(tmp_path):
    PositionFile.of("feed", "cluster/comments", tmp_path).save({"line": 3}, {"0": 7}, 12)

    kept = PositionFile.of("feed", "cluster/comments", tmp_path).load()

    assert (kept.position, kept.offsets, kept.sent) == ({"line": 3}, {"0": 7}, 12)


def test_another_source_or_deployment_begins_anew(tmp_path):
    PositionFile.of("feed", "cluster/comments", tmp_path).save({"line": 3}, {}, 1)

    assert PositionFile.of("other", "cluster/comments", tmp_path).load() is None
    assert PositionFile.of("feed", "another/comments", tmp_path).load() is None


def test_a_file_that_was_named_by_hand_belongs_to_one_source(tmp_path):
    path = tmp_path / "position.json"
    PositionFile(path, "feed", "cluster").save({"line": 3}, {}, 1)

    assert PositionFile(path, "other", "cluster").load() is None


def test_a_damaged_file_is_named_with_the_remedy(tmp_path):
    file = PositionFile.of("feed", "cluster", tmp_path)
    file.path.write_bytes(b"{half")

    with pytest.raises(FeedError, match=r"keeps no position.*--from-start"):
        file.load()


def test_one_source_is_fed_once_at_a_time(tmp_path):
    file = PositionFile.of("feed", "cluster", tmp_path)

    with file.held(), pytest.raises(FeedError, match="being fed already"), file.held():
        pass
    with file.held():
        pass


def test_positions_lie_where_state_belongs(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert default_folder() == tmp_path / "groundswell" / "feeds"
