"""Run all benchmarks, print their tables and save them: python benchmarks/run.py [--quick] [--only NAME ...]."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from dataclasses import asdict
from pathlib import Path

from cases import branching, campaign, emulation, noise, others, sampling, speed, split_step, steps
from cases.common import Table, machine, rendered
from rich.console import Console

CASES = {
    "batch": speed.batch_of_64,
    "single": speed.one_history,
    "next_order": speed.next_order,
    "order_precision": speed.order_precision,
    "beyond_dipole": noise.beyond_dipole,
    "noise_batch": noise.noise_batch,
    "wave_trajectories": noise.wave_trajectories,
    "memory": speed.memory,
    "scaling": speed.scaling,
    "steps": steps.grading,
    "split_step": split_step.split_step,
    "mesh_trajectories": sampling.mesh_trajectories,
    "sine_trajectories": sampling.sine_trajectories,
    "estimators": sampling.estimators,
    "sampling_memory": sampling.sampling_memory,
    "branching": branching.branching,
    "campaign_workers": campaign.workers,
    "campaign_overhead": campaign.overhead,
    "campaign_memory": campaign.memory,
    "campaign_whole_run": campaign.whole_run,
    "emulation": emulation.time_to_error,
    "emulation_accuracy": emulation.accuracy,
    "emulation_paths": emulation.paths,
    "emulation_target": emulation.target,
    "trajectories": others.trajectories,
    "mesolve": others.mesolve,
}
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer points and repeats; nothing is saved")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="NAME")
    arguments = parser.parse_args()
    console, here = Console(width=None if sys.stdout.isatty() else 140), machine()
    console.print(
        f"{here['cpu']}, {here['cores']} cores, load {here['load_1_5_15_min'][0]}, {here['versions']}"
    )
    tables = {}
    for name in arguments.only:
        with console.status(name):
            tables[name] = CASES[name](arguments.quick)
        console.print(rendered(tables[name]))
    if not arguments.quick:
        saved(here, tables)


def saved(here: dict, tables: dict[str, Table]) -> None:
    """Save the tables under the name of the machine; tables not run this time stay."""
    slug = re.sub(r"[^a-z0-9]+", "-", here["cpu"].lower()).strip("-")
    path = RESULTS / f"{slug}-{here['cores']}-cores.json"
    old = json.loads(path.read_text())["tables"] if path.exists() else {}
    content = {"machine": here, "tables": old | {name: asdict(t) for name, t in tables.items()}}
    temporary = path.with_suffix(".json.part")
    RESULTS.mkdir(exist_ok=True)
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(temporary, path)
    Console().print(f"saved {path}")


if __name__ == "__main__":  # the workers of a campaign import this file again
    main()
