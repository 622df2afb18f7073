"""Quantum trajectories, with the part without jumps exact."""
