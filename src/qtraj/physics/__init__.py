"""The equations: potentials, transport coefficients, media, the Lindblad model and initial states."""
