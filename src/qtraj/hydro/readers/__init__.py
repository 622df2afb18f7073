"""Readers of hydrodynamic outputs, one file a format."""
