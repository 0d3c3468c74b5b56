"""Which processes `serve` starts."""

from __future__ import annotations

from typing import Any

import pytest

from apps.server.parts import checker_words, parts


@pytest.mark.parametrize(
    ("processes", "words"), [(1, "one process, 16 threads"), (3, "3 processes, 16 threads each")]
)
def test_as_many_checkers_are_started_as_are_wanted(settings: Any, processes: int, words: str) -> None:
    settings.REDIS_URL, settings.CHECK_PROCESSES, settings.CHECK_CONCURRENCY = "", processes, 16
    web, notifier, *checkers = parts(host="127.0.0.1", port=8000)
    assert (web.name, notifier.name) == ("web server", "notifier")
    assert [part.command[-1] for part in checkers] == ["run_checker"] * processes
    assert len({part.name for part in checkers}) == processes
    assert checker_words() == words


def test_a_queue_has_as_many_workers(settings: Any) -> None:
    settings.REDIS_URL, settings.CHECK_PROCESSES = "redis://127.0.0.1:6379/0", 3
    workers = list(parts(host="127.0.0.1", port=8000))[-1]
    assert workers.command[workers.command.index("--num-workers") + 1] == "3"
    assert checker_words() == "a scheduler and 3 workers, with the queue at 127.0.0.1:6379"


@pytest.mark.parametrize(("processes", "threads"), [(1, 4), (2, 2), (8, 2)])
def test_web_servers_share_their_threads_and_have_two_each_at_least(
    settings: Any, processes: int, threads: int
) -> None:
    settings.WEB_PROCESSES = processes
    web = next(parts(host="127.0.0.1", port=8000)).command
    assert web[web.index("--workers") + 1] == str(processes)
    assert web[web.index("--blocking-threads") + 1] == str(threads)
