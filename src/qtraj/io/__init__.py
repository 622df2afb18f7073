"""Files: run files, results, and what to cite."""
