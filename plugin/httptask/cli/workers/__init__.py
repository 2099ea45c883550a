"""Workers of engines, one file each: `httptask worker ENGINE` loads the one that is asked for."""
