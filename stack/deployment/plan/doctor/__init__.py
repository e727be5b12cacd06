"""What is wrong with a stack and its machines, judged by facts: every function here is pure."""
