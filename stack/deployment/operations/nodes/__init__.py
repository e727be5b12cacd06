"""The machines of the Swarm: listed, drained, brought back, and given or taken a slot."""
