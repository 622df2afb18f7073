"""The density matrix of the full equation, without sampling noise."""
