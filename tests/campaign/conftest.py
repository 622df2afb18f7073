import pytest
from stand_in import ExponentialDecay, make_run_file

from qtraj.io.config import RunFile


@pytest.fixture
def run_file() -> RunFile:
    return make_run_file()


@pytest.fixture
def solver() -> ExponentialDecay:
    return ExponentialDecay()
