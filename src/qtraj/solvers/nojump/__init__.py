"""Evolution without any jump, H_eff alone: on a mesh, on a sine grid, in thermal potentials."""
