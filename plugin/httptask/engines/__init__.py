"""Adapters to orchestration engines, one file each: what `hosted` says in that engine's own words. None imports another."""
