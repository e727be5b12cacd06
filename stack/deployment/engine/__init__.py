"""Acts at the edges: the only modules that talk to a Docker engine, its Swarm, a registry or the pages."""
