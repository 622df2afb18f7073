"""Settings of all tests."""

from hypothesis import settings

# an example may take longer than hypothesis' 200 ms on a busy machine: that is no failure of the code
settings.register_profile("qtraj", deadline=None)
settings.load_profile("qtraj")
