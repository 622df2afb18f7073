"""Methods that solve the Lindblad equation."""
