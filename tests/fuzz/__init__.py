"""Bad input: a million of them, and each is a record or a dead letter.

`targets` says what has to hold of any bytes, `mutation` makes them from valid ones, and two engines share both: atheris,
which is led by the code that an input reaches, and a plain seeded one that needs nothing. See `python -m tests.fuzz --help`.
"""
