"""File formats of QTraj 1.0: parameters, ratios, summaries, snapshots, basis functions."""
