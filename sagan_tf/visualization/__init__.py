"""What people look at: sheets of pictures, curves, maps of attention."""
