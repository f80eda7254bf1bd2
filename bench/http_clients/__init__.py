"""One thin client per candidate, all behind `Client` of clients.py."""
