"""A child process comes to its end."""

import subprocess


def end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Ask a process to end, and kill it if it has not done so within so many seconds."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
