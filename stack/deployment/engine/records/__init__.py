"""What the Swarm itself keeps for the stack: releases, the turn, what people did and paused."""
