"""A small evolution whose numbers are known, for the tests of the views."""

from dataclasses import replace

import numpy as np

from qtraj.plots import Evolution

TIMES = np.array([0.0, 0.5, 1.5, 3.0])


def evolution(**changes) -> Evolution:
    """A 1S wave that turns and shrinks in norm; its second time has no wave function."""
    r = np.linspace(0, 20, 401)
    a0 = 0.7
    u = 2 * a0**-1.5 * r * np.exp(-r / a0) * np.exp(-0.4j * TIMES)[:, None]
    u[1] = np.nan
    overlaps = np.zeros((4, 6))
    overlaps[:, 0], overlaps[:, 1] = [0.9, 0.6, 0.3, 0.1], [1e-3, 1e-4, 1e-5, 1e-6]
    made = Evolution(
        title="a <b>pair</b> & its fate",
        times_fm=TIMES,
        norm=[1.0, 0.7, 0.4, 0.2],
        color=[0, 0, 0, 0],
        l=[0, 0, 0, 0],
        overlaps=overlaps,
        mean_radius=np.full(4, 1.5 * a0),
        energy=[-0.5, -0.5, -0.4, -0.45],
        r=r,
        u=u,
        notes=("first </script><script>alert(1)</script>",),
    )
    return replace(made, **changes)


def trajectory() -> Evolution:
    """The same as a quantum trajectory that jumps to the octet."""
    overlaps = evolution().overlaps.copy()
    overlaps[2:] = 0
    return evolution(jumps=True, color=[0, 0, 1, 1], l=[0, 0, 1, 4], overlaps=overlaps)


def without_waves() -> Evolution:
    return evolution(r=np.empty(0), u=np.empty((0, 0), complex))
