"""Cost and answer of QuTiP's mesolve and mcsolve on the paper's operators, and of this package on the same ones."""

from __future__ import annotations

import json
import re
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from cases.common import Table, in_new_process
from scipy.optimize import brentq

import qtraj as qt

from . import exact, sampled
from .record import Record
from .reported import PAPER_QUTIP_SECONDS, PAPER_SECONDS, PAPER_TRAJECTORIES, STATES
from .timing import cpu_time

LENGTH = 20.0
"""Box in GeV^-1: the shortest in which the paper finds no effect of the volume."""
MEMORY_LIMIT = 16e9
WORK = 15
"""Density matrices that the integrator (ZVODE, Adams) keeps: its work space is 15 times the number of equations."""
ATOL, RTOL = 1e-8, 1e-6
"""QuTiP's defaults."""
OURS_OVER_THEIRS = 16
"""Trajectories here for each one of QuTiP: they march together."""
STEP = 0.04
"""Time step of this package in GeV^-1, at which it is as close as mesolve with its defaults."""

CHILD = """
import json, sys
sys.path.insert(0, sys.argv[1])
from paper import qutip_side
print(json.dumps(getattr(qutip_side, sys.argv[2])(*map(int, sys.argv[3:]))))
"""


def qutip(record: Record) -> tuple[Table, ...]:
    """Compare with QuTiP on the same operators."""
    sizes = (7, 15) if record.quick else (15, 31, 47, 63, 95)
    held = {0: (31, 47), 1: (63, 127)} if record.quick else {0: (47, 71, 95), 1: (127, 191, 255)}
    few = 8 if record.quick else 64
    record.expect(len(sizes) + sum(map(len, held.values())) + 1)
    solved = {n: record.piece(f"mesolve, NUM {n}", lambda n=n: _child("mesolve", n)) for n in sizes}
    memory = {
        (n, d): record.piece(f"memory, NUM {n}, derivative {d}", lambda n=n, d=d: _child("memory", n, d))
        for d, nums in held.items()
        for n in nums
    }
    monte = record.piece("mcsolve", lambda: _child("mcsolve", sizes[-1] if record.quick else 63, few))
    return _times(solved), _answers(solved), _memory(memory, solved), _monte_carlo(monte)


def _child(function: str, *arguments: int):
    """Return what a function of this module returns in a process of its own, whose peak memory is its own."""
    _, out = in_new_process(CHILD, [str(Path(__file__).parents[1]), function, *map(str, arguments)])
    return json.loads(out.splitlines()[-1])


def mesolve(num: int) -> dict[str, object]:
    """Run QuTiP's mesolve and this package on NUM points, l_max 1; return times, memory and answers."""
    import qutip as qu

    from .qutip_operators import Operators

    operators = Operators(num, LENGTH)
    started = time.process_time()
    L = operators.liouvillian()
    built = time.process_time() - started
    rho = qu.ket2dm(qu.Qobj(operators.start))
    options = {
        "atol": ATOL, "rtol": RTOL, "nsteps": 10_000_000, "progress_bar": "", "normalize_output": False,
        "store_final_state": True, "store_states": False,
    }  # fmt: skip
    started = time.process_time()
    result = qu.mesolve(L, rho, [exact.BEGIN, exact.END], e_ops=operators.targets, options=options)
    theirs = time.process_time() - started
    run, steps = exact.DensityRun(operators.basis, 1.0, 1e6), exact.whole(STEP)
    ours, blocks = cpu_time(lambda: run.evolved(run.start, steps), 1 if num > 60 else 3)
    return {
        "dimension": operators.dimension,
        "built_s": built,
        "theirs_s": theirs,
        "ours_s": ours,
        "theirs": [float(e[-1]) for e in result.expect],
        "ours": run.survival(blocks)[exact.S_WAVES].tolist(),
    }


def memory(num: int, derivative: int) -> dict[str, float]:
    """Return the memory of the superoperator and of one application of it, in bytes."""
    import qutip as qu

    from .qutip_operators import Operators

    operators = Operators(num, LENGTH, derivative=derivative)
    rho = qu.operator_to_vector(qu.ket2dm(qu.Qobj(operators.start)))
    before = _peak()
    L = operators.liouvillian()
    elements = L(exact.BEGIN).data.as_scipy().nnz
    L.matmul(exact.BEGIN, rho)
    return {"elements": elements, "bytes": max(_peak() - before, 1), "rho_bytes": 16 * operators.dimension**2}


def mcsolve(num: int, count: int) -> dict[str, object]:
    """Run QuTiP's mcsolve on NUM points, l_max 3, and this package's trajectories and density matrix."""
    import qutip as qu

    from .qutip_operators import Operators, coefficient

    operators = Operators(num, LENGTH, l_max=3, sink=True)
    H = qu.QobjEvo([operators.hamiltonian, [operators.shift, coefficient(1, of_gamma=True)]])
    jumps = [qu.QobjEvo([[C, coefficient(0.5)]]) for C in operators.jumps]
    options = {
        "progress_bar": "", "improved_sampling": True, "keep_runs_results": True, "store_states": False,
        "atol": ATOL, "rtol": RTOL, "nsteps": 10_000_000,
    }  # fmt: skip
    started = time.process_time()
    result = qu.mcsolve(
        H, qu.Qobj(operators.start), [exact.BEGIN, exact.END], jumps,
        e_ops=operators.targets, ntraj=count, seeds=1, options=options,
    )  # fmt: skip
    theirs = time.process_time() - started
    dense = Operators(num, LENGTH, l_max=3)
    run = exact.DensityRun(dense.basis, 1.0, 1e6)
    exactly = run.survival(run.evolved(run.start, exact.whole(STEP)))[exact.S_WAVES]
    many = OURS_OVER_THEIRS * count
    ours, (bare, regenerated) = cpu_time(lambda: _trajectories(dense, many), 1, warm=False)
    ends = np.array(result.runs_expect)[:, :, -1]
    return {
        "dimension": operators.dimension,
        "count": count,
        "our_count": many,
        "theirs_s": theirs,
        "ours_s": ours,
        "theirs": [float(e[-1]) for e in result.average_expect],
        # the trajectory without jumps is exact; the others share what is left of the weight
        "their_error": (sum(result.runs_weights) * ends.std(axis=1, ddof=1) / count**0.5).tolist(),
        "ours": (bare + regenerated[0]).tolist(),
        "our_error": regenerated[1].tolist(),
        "exact": exactly.tolist(),
    }


def _trajectories(operators, count: int):
    """Return the part without jumps, and the mean and error of the rest, by this package's split steps."""
    from qtraj.solvers.trajectories.estimators import Sample

    bare = exact.DensityRun(exact.grid_basis(operators.grid, 0, operators.num), 0.0, 1e6)
    without = bare.survival(bare.evolved(bare.start, exact.whole(STEP)))[exact.S_WAVES]
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", qt.AccuracyWarning
        )  # on so few points the 3S state does not fit the box
        one, scores = sampled.regenerated(operators.grid, 0.01, count)
    sample = Sample((1, scores.shape[1]))
    sample.add(scores[None])
    return without, (one + sample.mean[0], sample.error[0])


def _peak() -> int:
    """Return the peak memory of this process in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # that of getrusage may be the peak of the process that started this one
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def power(x, y, last: int = 3) -> tuple[float, float]:
    """Return A, B of A x^B through the last points."""
    B, log_A = np.polyfit(np.log(list(x)[-last:]), np.log(list(y)[-last:]), 1)
    return float(np.exp(log_A)), float(B)


def _times(solved) -> Table:
    nums = list(solved)
    A, B = power(nums, [s["theirs_s"] for s in solved.values()])
    _, ours = power(nums, [s["ours_s"] for s in solved.values()])
    rows = [
        (
            num,
            s["dimension"],
            f"{s['built_s']:.2f}",
            f"{s['theirs_s']:.3g}",
            f"{s['ours_s']:.3g}",
            f"{s['theirs_s'] / s['ours_s']:.1f}",
        )
        for num, s in solved.items()
    ]
    for num in (511, 4095):
        rows.append((f"{num} (extrapolated)", 4 * num, "-", f"{A * num**B:.1e}", "-", "-"))
    return Table(
        "QuTiP mesolve and this kernel on the paper's operators: NUM points, l_max 1, the whole baseline, CPU time",
        ("NUM", "dimension", "QuTiP, building (s)", "QuTiP, solving (s)", "qtraj (s)", "ratio"),
        tuple(rows),
        f"L {LENGTH:g} GeV^-1, second differences (sparse, QuTiP's best case), QuTiP's default tolerances and method. "
        f"Growth with NUM at the end: QuTiP {B:.1f}, here {ours:.1f}. The paper: QuTiP 2 like NUM^4, 512 the largest, "
        f"{PAPER_QUTIP_SECONDS:.1e} s extrapolated to 4096, against {PAPER_SECONDS * PAPER_TRAJECTORIES:.0e} s of "
        f"QTraj for {PAPER_TRAJECTORIES} trajectories.",
    )


def _answers(solved) -> Table:
    rows = []
    for num, s in solved.items():
        off = [a / b - 1 for a, b in zip(s["theirs"], s["ours"], strict=True)]
        rows.append((num, *(f"{x:.6f}" for x in (*s["theirs"], *s["ours"])), f"{max(map(abs, off)):.1e}"))
    return Table(
        "Survival by both on the same operators",
        (
            "NUM",
            *(f"QuTiP {s}" for s in STATES),
            *(f"qtraj {s}" for s in STATES),
            "largest relative difference",
        ),
        tuple(rows),
        "So few points are far from the continuum; both solve the same equations on them.",
    )


def _memory(memory, solved) -> Table:
    rows = []
    for derivative, name in ((0, "dense, exact waves"), (1, "second differences")):
        found = {n: m for (n, d), m in memory.items() if d == derivative}
        A, B = power(found, [m["bytes"] for m in found.values()], last=2)
        largest = brentq(lambda n, A=A, B=B: A * n**B + WORK * 16 * (4 * n) ** 2 - MEMORY_LIMIT, 1, 1e6)
        C, D = power(solved, [s["theirs_s"] for s in solved.values()])
        for n, m in found.items():
            rows.append((name, n, m["elements"], f"{m['bytes'] / 1e6:.0f}", "-", "-"))
        seconds = f"{C * largest**D:.0e}" if derivative else "-"
        rows.append((name, f"{largest:.0f} (largest in 16 GB)", "-", "16000", f"{B:.1f}", seconds))
    return Table(
        "Memory of QuTiP's superoperator, built and applied once",
        ("kinetic energy", "NUM", "elements", "memory (MB)", "grows like NUM^", "time there (s)"),
        tuple(rows),
        "Peak of a new process over what it held before. The largest NUM is extrapolated from the last two, its time "
        f"from the table of times; it leaves room for the {WORK} density matrices that the integrator keeps.",
    )


def _monte_carlo(monte) -> Table:
    rows = []
    for i, state in enumerate(STATES):
        rows.append(
            (
                state,
                f"{monte['exact'][i]:.5f}",
                f"{monte['theirs'][i]:.5f} ± {monte['their_error'][i]:.5f}",
                f"{monte['ours'][i]:.5f} ± {monte['our_error'][i]:.5f}",
            )
        )
    count = monte["count"]
    each = (monte["theirs_s"] / count, monte["ours_s"] / monte["our_count"])
    rows.append(("CPU ms a trajectory", "-", *(f"{1e3 * seconds:.3g}" for seconds in each)))
    return Table(
        f"{count} trajectories of QuTiP's mcsolve and {monte['our_count']} here on the same points (dimension "
        f"{monte['dimension']})",
        ("state", "density matrix", "QuTiP mcsolve", "qtraj, last-jump scoring"),
        tuple(rows),
        "mcsolve with improved_sampling (no jump exact), l_max 3, jumps beyond it kept in a sector where nothing "
        "happens. An error of 0: none of its trajectories ended as a bound state. Here any l.",
    )
