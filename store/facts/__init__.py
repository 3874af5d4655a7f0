"""Sessions, tutors, students and messages: loaded, merged, changed by events, read back, erased."""
