"""Many solves: a plan of tasks, part files that survive interruptions, and the averages over them."""
