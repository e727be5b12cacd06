"""Who signs certificates: an ACME server, or the stack's own local authority."""
