"""Potentials between the heavy quark and antiquark."""
