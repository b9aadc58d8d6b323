"""What goes wrong around a PostgREST, on demand, each in a room of its own.

None of it depends on which PostgREST is run: they stand between it and its clients, or between it
and its database, or are done to the database.
"""
