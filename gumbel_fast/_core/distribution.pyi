import numpy as np
from numpy.typing import NDArray

PDF: int
LOGPDF: int
CDF: int
LOGCDF: int
SF: int
LOGSF: int
PPF: int
ISF: int

def distribution(
    function: int,
    x: NDArray[np.float64],
    loc: NDArray[np.float64],
    scale: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None: ...
def distribution_scalar(function: int, x: object, loc: object, scale: object) -> np.float64 | None: ...
