"""What a run says of itself: a bar on a terminal, lines elsewhere, and finished parts are not speed."""

import io

import pytest
from rich.console import Console

from qtraj.campaign.progress import Bar, Lines, reporting


def tell(terminal: bool) -> tuple[type, str]:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=120, color_system=None)
    with reporting(console) as report:
        report.begin(total=100, reused=30)
        for done in (20, 40):
            report.advance("chunk a", done)
        report.finish("chunk a", 40)
        report.advance("chunk b", 30)
        report.finish("chunk b", 30)
    return type(report), output.getvalue()


def test_without_a_terminal_there_is_one_plain_line_per_chunk(monkeypatch):
    clock = iter([0.0, 0.0, 10.0, 40.0])  # made, begun, finished twice
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    kind, text = tell(terminal=False)
    assert kind is Lines
    assert text.splitlines() == [
        "100 histories to solve, 30 of them finished before",
        "70/100 histories, 4 a second, 0:00:08 left: chunk a",  # 40 in 10 s: what was reused is not speed
        "100/100 histories, 1.75 a second, 0:00:00 left: chunk b",
    ]


def test_a_terminal_gets_a_bar_that_counts_every_history():
    kind, text = tell(terminal=True)
    assert kind is Bar
    assert "100/100 histories" in text
    assert "chunk b" in text


def test_the_time_left_does_not_count_reused_histories_as_speed():
    console = Console(file=io.StringIO(), force_terminal=True)
    with reporting(console) as report:
        report.begin(total=100, reused=90)
        (bar,) = report._progress.tasks
        assert bar.completed == 90
        assert bar.speed is None  # no sample yet: nothing was solved in this run


@pytest.mark.parametrize("terminal", [True, False])
def test_an_exception_passes_through(terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal)

    def interrupted() -> None:
        with reporting(console):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
