"""A campaign that hunts wrong verdicts: random schemas, migrations and conditions, then the gate.

What is right is read from the database's catalog and the server's own cache, never from the gate.
"""
