"""Threads side by side: one budget for a call and all calls inside it, whatever their number the same answers."""

import threading
import time
from collections import Counter

import pytest

from qtraj.errors import AccuracyWarning, collected, note
from qtraj.solvers.parallel import side_by_side


class Busy:
    """Counts how many threads are inside at once."""

    def __init__(self):
        self.now, self.most, self.lock = 0, 0, threading.Lock()

    def __call__(self, job):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.01)
        with self.lock:
            self.now -= 1
        return 10 * job


@pytest.mark.parametrize(("allowed", "outer"), [(1, 3), (2, 3), (3, 3), (4, 2)])
def test_calls_inside_calls_share_the_threads(monkeypatch, allowed, outer):
    monkeypatch.setenv("OMP_NUM_THREADS", str(allowed))
    busy = Busy()
    found = side_by_side(lambda i: side_by_side(busy, range(6 * i, 6 * i + 6)), range(outer))
    assert found == [[10 * job for job in range(6 * i, 6 * i + 6)] for i in range(outer)]
    assert busy.most == allowed, "as many as allowed, and never more"


def test_what_a_finished_call_gives_back_helps_the_others(monkeypatch):
    # the second job ends at once; the only other thread then joins the first job's calls
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    busy = Busy()
    side_by_side(lambda jobs: side_by_side(busy, jobs), [range(12), range(1)])
    assert busy.most == 2


def test_the_workers_of_a_call_are_those_it_asks_for(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    busy = Busy()
    assert side_by_side(busy, range(9), workers=3) == [10 * i for i in range(9)]
    assert busy.most == 3


def test_the_first_error_is_raised_and_no_further_job_begun(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    begun = Counter()

    def job(i):
        begun[i] += 1
        time.sleep(0.002)
        raise ValueError(i)

    with pytest.raises(ValueError, match="0"):
        side_by_side(job, range(50))
    assert len(begun) <= 2
    assert side_by_side(abs, [-1, -2, -3]) == [1, 2, 3], "the threads are free again"


def describe(found):
    return [f"{len(found)} of them, {sorted(found)}"]


def test_what_threads_note_is_one_warning_at_the_line_of_the_caller(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with pytest.warns(AccuracyWarning) as caught, collected():
        side_by_side(lambda i: note(describe, i), range(7))
    (warning,) = caught
    assert str(warning.message) == "7 of them, [0, 1, 2, 3, 4, 5, 6]"
    assert warning.filename == __file__
