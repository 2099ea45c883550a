"""Adapters to orchestration engines, one folder each: what `hosted` says in that engine's own words. None imports another."""
