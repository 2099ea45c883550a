"""The version, once for code; `pyproject.toml` and `manifest.json` are held equal by a test."""

VERSION = "0.1.0"
