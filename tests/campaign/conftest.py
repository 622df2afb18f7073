import pytest

from qtraj.io.config import RunFile
from stand_in import ExponentialDecay, make_run_file


@pytest.fixture
def run_file() -> RunFile:
    return make_run_file()


@pytest.fixture
def solver() -> ExponentialDecay:
    return ExponentialDecay()
