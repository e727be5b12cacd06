"""What outlives a process: in PostgreSQL, and on the node's volume."""
