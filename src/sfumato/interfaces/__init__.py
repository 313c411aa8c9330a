"""What people meet: each interface parses, makes one pipeline call, and presents."""
