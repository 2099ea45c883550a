"""One command for each engine that keeps definitions in its server."""
