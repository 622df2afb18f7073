"""A page in the browser whose sliders solve the Lindblad equation: settings, numbers, surrogate, and the view."""
