"""The Swarm: its nodes, networks and services, and how a release is handed to it."""
