"""What is wrong, or soon will be, with a server, its database and its migrations."""
