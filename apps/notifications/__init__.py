"""Telling people and programs what happened: in the workspace, by e-mail, by webhook."""
