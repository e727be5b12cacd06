"""Gets the edge's certificates, keeps them, and hands them to Traefik."""
