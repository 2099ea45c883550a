"""The versions, once for code; `pyproject.toml` and `manifest.json` are held equal to VERSION by a test."""

VERSION = "0.1.0"
#: Of everything that is written as JSON for programs; it changes when they would have to.
SCHEMA_VERSION = 1
