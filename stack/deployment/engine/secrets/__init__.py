"""The stack's secrets: made, versioned, and sealed into a recovery kit."""
