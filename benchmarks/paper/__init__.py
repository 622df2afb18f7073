"""The tests of the QTraj 1.0 paper (arXiv:2107.06147), run again beside the answer without noise."""
