"""Tables shipped with the package, each folder with the provenance of its files."""
