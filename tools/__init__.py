"""Programs beside the library; nothing imports them."""
