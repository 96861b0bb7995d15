"""The training loop over `Model.fit`: callbacks, checkpoints, devices."""
