"""Backups with pgBackRest: the runner and its store, and what a data node does for them."""
