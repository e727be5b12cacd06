"""The nodes of the Swarm: what each is for, and what they cannot bear."""
