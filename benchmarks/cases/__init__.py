"""Benchmarks of qtraj: each module returns tables, run.py prints and saves them."""
