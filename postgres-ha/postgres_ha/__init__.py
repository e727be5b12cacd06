"""A PostgreSQL node that may acknowledge a commit only while a majority stands behind it."""
