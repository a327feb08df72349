"""What the explorer's script gets, read again as the script does."""

import json
import struct

import numpy as np


def read_scene(data):
    """Header, maps as N×N and traces as N×3."""
    (length,) = struct.unpack_from("<I", data)
    header = json.loads(data[4 : 4 + length])
    n = len(header["sequence"])
    maps = {}
    for name, place in header["maps"].items():
        words = np.frombuffer(data, "<u2", place["length"], place["offset"])
        table = np.full((n, n), np.nan)
        table[np.triu_indices(n, 1)] = np.where(words == 65535, np.nan, words * place["unit"])
        maps[name] = table
    traces = {
        name: np.frombuffer(data, "<f4", place["length"], place["offset"]).reshape(n, 3)
        for name, place in header["traces"].items()
    }
    return header, maps, traces
