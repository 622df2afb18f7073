"""How far a campaign is, seen from anywhere: the store knows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from .index import load_index, present
from .lock import holder, is_held
from .progress import duration
from .store import Store

WINDOW_S = 600.0
"""The rate is that of the last ten minutes of the present run."""


@dataclass(frozen=True)
class Status:
    """How far a campaign is.

    Parameters
    ----------
    folder : Path
        The store.
    chunks, chunks_done : int
        Chunks of the plan, and those whose files are there.
    histories, histories_done : int
        Solves: histories times settings times l.
    foreign : int
        Chunk files of other plans in the store.
    owner : str
        Who works on it, empty if nobody.
    rate : float or None
        Histories per second of the present run; None if nothing is running or nothing was finished yet.
    seconds : float
        Time that the indexed chunks took together.
    """

    folder: Path
    chunks: int
    chunks_done: int
    histories: int
    histories_done: int
    foreign: int
    owner: str
    rate: float | None
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether every chunk is there."""
        return self.chunks_done == self.chunks

    def __str__(self) -> str:
        share = f"{100 * self.histories_done / self.histories:.0f} %"
        lines = [
            f"store    {self.folder}",
            f"chunks   {self.chunks_done} of {self.chunks}",
            f"solves   {self.histories_done} of {self.histories} histories x settings x l ({share})",
        ]
        if self.foreign:
            lines.append(f"others   {self.foreign} chunk files belong to other plans")
        if self.seconds:
            lines.append(f"spent    {duration(self.seconds)} of solution")
        if self.owner:
            lines.append(f"running  {self.owner}")
            if self.rate:
                left = duration((self.histories - self.histories_done) / self.rate)
                lines.append(f"rate     {self.rate:.3g} a second, {left} left")
        elif self.complete:
            lines.append(f"finished `qtraj campaign merge --store {self.folder}` joins the results")
        else:
            lines.append(f"stopped  `qtraj campaign resume --store {self.folder}` goes on")
        return "\n".join(lines)


def status(folder: str | Path) -> Status:
    """Look at a store, without touching it.

    Raises
    ------
    InputError
        If the folder holds no campaign.
    FileFormatError
        If its plan is damaged.
    """
    store = Store(Path(folder))
    plan = store.load_plan()
    there = present(store)
    sizes = {key: len(chunk) for key, chunk in zip(plan.keys, plan.chunks, strict=True)}
    done = {key: when for key, when in there.items() if key in sizes}
    owner, rate = "", None
    if is_held(store.lock_path):
        who, now = holder(store.lock_path), time.time()
        if who:
            owner = f"{who['what']}, process {who['pid']} on {who['host']}"
            since = max(who["started"], now - WINDOW_S)
            solved = sum(sizes[key] for key, when in done.items() if when > since)
            rate = solved / max(now - since, 1e-9) or None
        else:
            owner = "another process"
    index = load_index(store)
    return Status(
        folder=store.folder,
        chunks=len(sizes),
        chunks_done=len(done),
        histories=sum(sizes.values()),
        histories_done=sum(sizes[key] for key in done),
        foreign=len(there) - len(done),
        owner=owner,
        rate=rate,
        seconds=sum(index[key].seconds for key in done if key in index),
    )
