"""The same for programs. Empty until its first endpoint; it holds its place in the import order."""
