"""How a process is, seen from outside its event loop: stalls that end it, readiness, metrics."""
