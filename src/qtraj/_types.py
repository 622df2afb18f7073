"""Arrays of numbers, as annotations name them."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Float: TypeAlias = NDArray[np.float64]
Complex: TypeAlias = NDArray[np.complex128]
Integer: TypeAlias = NDArray[np.int64]
