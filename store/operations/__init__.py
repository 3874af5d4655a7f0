"""Records for operators: health, schedules, workers, retention."""
