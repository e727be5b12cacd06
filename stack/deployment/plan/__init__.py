"""Decisions as pure functions of what was observed; nothing here talks to an engine."""
