"""What people look at: sheets of images, curves, maps of attention."""
