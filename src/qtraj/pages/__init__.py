"""HTML pages: the report of a run, and a page whose sliders solve."""
