"""Votes of many new voters, brought through the front door.

It needs the standard library alone: `deploy.py seed` uses it, and it runs in a container (`python -m seed`).
"""
