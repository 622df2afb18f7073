"""QTraj 1.0's program: its grid, steps, random numbers and outputs, with the flaws of the original."""
