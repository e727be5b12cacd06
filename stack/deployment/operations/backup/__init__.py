"""Backups: one now, and a store that goes from a lost database to the present one."""
