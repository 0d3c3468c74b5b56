"""Views of the workspace, a module for each kind of page."""
