"""The root of every error that this package raises by a name of its own."""


class ServiceError(Exception):
    """Something was refused or not done; the message says why."""
