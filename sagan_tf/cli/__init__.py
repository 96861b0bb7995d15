"""What the entry points share: flags, and one line for an error."""
