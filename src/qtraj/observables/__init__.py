"""From survival probabilities with errors to what experiments measure; knows no solver."""
