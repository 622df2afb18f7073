"""Measurements: data sets, acceptances, collision systems, and how theory compares."""
