"""Every file format of QTraj 1.0; nothing else in qtraj knows them."""

from .parameters import LegacyParameters, describe_keys
from .params import read_params, write_params

__all__ = ["LegacyParameters", "describe_keys", "read_params", "write_params"]
