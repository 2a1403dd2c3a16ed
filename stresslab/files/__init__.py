"""Files of other people: how they are read, and how ours are written."""
