"""Time to a given true error: qtraj, QuTiP, dynamiqs and the C++ code on the same baseline."""
