"""Moves votes from the queue to the database, each exactly once as far as anyone can see."""
