"""What the world outside says of our names: DNS, the answers at their addresses, the operator's hook."""
