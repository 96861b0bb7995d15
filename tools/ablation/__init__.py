"""Studies: one configuration with a few fields changed, over several seeds."""
