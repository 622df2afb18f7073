"""The pieces of benchmarks/peers: the operators handed to other programs, and the time to an error."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

import qtraj as qt

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from cases.common import MEDIUM, MODEL
from peers.bases import Space, baseline_clock
from peers.limit import limit
from peers.page import time_to
from peers.points import Point

SMALL = Space(qt.LaguerreMesh(10, 0.5), 2.0, 2)


def test_width_is_complete():
    """Jumps and losses together are the width g_c r^2 of every state, and what is lost is lost: no negative rate."""
    gamma = SMALL.leak + sum(C.T @ C for C in SMALL.jumps)
    assert gamma == pytest.approx(2 * SMALL.shift, abs=1e-12 * np.abs(gamma).max())
    assert np.linalg.eigvalsh(SMALL.leak).min() > -1e-12 * np.abs(gamma).max()
    root = SMALL.leak_root
    blocks = [root[:, where].T @ root[:, where] for _, _, where, _ in SMALL.each_sector()]
    leaks = [SMALL.leak[where, where] for _, _, where, _ in SMALL.each_sector()]
    # the square root of a matrix that is singular up to rounding is good to the root of the rounding
    assert np.array(blocks) == pytest.approx(np.array(leaks), abs=1e-6 * np.abs(gamma).max())


def test_no_operator_makes_coherence_between_sectors():
    sectors = [where for _, _, where, _ in SMALL.each_sector()]
    for C in SMALL.jumps:
        connected = np.array([[np.any(C[a, b]) for b in sectors] for a in sectors])
        assert connected.sum(axis=0).max() == connected.sum(axis=1).max() == 1
    every_way = sum(len([c for c in MODEL.channels if 0 <= l + c.delta_l <= SMALL.l_max]) for l in range(3))
    blocks = sum(np.any(C[a, b]) for C in SMALL.jumps for a in sectors for b in sectors)
    assert blocks == every_way


def test_clock_is_the_integral_of_kappa():
    ((begin, end),) = MEDIUM.active
    whole, _ = quad(lambda t: float(MODEL.transport.at(MEDIUM.temperature(t))[0]), begin, end)
    clock = baseline_clock()
    assert clock.end == pytest.approx(whole, rel=1e-9)
    # dt = a ds: the time of the medium comes back; Simpson's rule on 801 points
    weights = np.tile([2.0, 4.0], 401)[:801]
    weights[[0, -1]] = 1
    assert weights @ clock.a * clock.s[1] / 3 == pytest.approx(end - begin, rel=1e-9)


def test_qutip_converges_to_the_limit_of_the_space():
    from peers.with_qutip import mesolve

    found, exact = mesolve(SMALL, 1e-7).survival, limit(SMALL)
    # both integrate to 1e-7 of the largest element or better; the overlaps at the start that divide are above 1e-3
    assert found == pytest.approx(exact, rel=1e-4)
    assert 0 < exact["1S"] < 1


def test_mcsolve_agrees_with_the_limit_of_the_space():
    """Fixed seed; four standard errors, bounded from above by scores of 0 or 1: a false alarm below 6e-5."""
    from peers.with_qutip import mcsolve

    found, exact = mcsolve(SMALL, 64), limit(SMALL)
    assert found.noise is not None
    # the comparison is about something: the noise is far below the survival
    assert found.noise["1S"] < 0.02 < exact["1S"]
    assert abs(found.survival["1S"] - exact["1S"]) < 4 * found.noise["1S"]


def sampled(floor: float) -> list[Point]:
    return [Point("sampled", "n", cpu_s=2.0, noise={"1S": 0.1}, floor={"1S": floor})]


def test_time_of_a_sampling_method_grows_as_the_inverse_square():
    assert time_to(sampled(0.0), "1S", 0.01) == pytest.approx(200)
    assert time_to(sampled(0.006), "1S", 0.01) == pytest.approx(2 * 0.01 / (1e-4 - 0.36e-4))
    assert time_to(sampled(0.01), "1S", 0.01) is None
    assert time_to(sampled(0.0), "1S", 0.5) == 2.0  # no shorter than what was measured


def test_an_error_that_changes_sign_does_not_count():
    points = [
        Point("exact", str(t), cpu_s=t, error={"1S": e})
        for t, e in ((1, 0.05), (2, 1e-6), (3, -0.02), (4, 0.001))
    ]
    assert time_to(points, "1S", 0.1) == 1
    assert time_to(points, "1S", 0.03) == 2
    assert time_to(points, "1S", 0.01) == 4
    assert time_to(points, "1S", 1e-4) is None
