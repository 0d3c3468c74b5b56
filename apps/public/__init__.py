"""Pages for everyone. Cannot import the models of reports."""
