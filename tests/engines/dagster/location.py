"""A code location, as Dagster's servers load it."""

from engines.dagster import played

defs = played.definitions()
