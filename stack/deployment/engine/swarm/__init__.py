"""The Swarm: its nodes, networks, services, secrets and what is kept in it."""
