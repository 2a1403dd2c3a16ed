"""The commands, a file for each kind of work. They parse, call and print.

Heavy modules are imported inside the commands, so that `--help` answers at once.
"""
