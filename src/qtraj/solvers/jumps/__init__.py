"""The two halves of a medium step: what is a function of r, exactly, and what is left, by a short series."""
