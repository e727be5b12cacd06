"""The verbs, each a short list of steps or a question, and the runner of steps."""
