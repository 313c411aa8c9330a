"""How much memory a graph works in, for each pixel."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

Feed = dict[str, tuple[int, ...]]  # shapes of the inputs, by name
UNKNOWN = 800

PROGRAM = """
import contextlib, ctypes, json, sys, numpy as np, onnxruntime as ort
o = ort.SessionOptions(); o.enable_mem_pattern = False; o.intra_op_num_threads = 1
s = ort.InferenceSession(sys.argv[1], o, providers=['CPUExecutionProvider'])
with contextlib.suppress(Exception):
    ctypes.CDLL(None).malloc_trim(0)  # or what loading has left would be taken for the first feed's
for feed in json.loads(sys.argv[2]):
    with contextlib.suppress(OSError), open('/proc/self/clear_refs', 'w') as peak:
        peak.write('5')  # the peak so far, which may be that of loading, is forgotten
    s.run(None, {name: np.zeros(shape, np.float32) for name, shape in feed.items()})
    print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))
"""


def measured_bytes_per_pixel(stored: bytes, feeds: Sequence[Feed], pixels: int) -> int:
    """Peak working memory for each pixel: the growth of a fresh process between two feeds, `pixels` apart.

    Only Linux tells a process its own peak; elsewhere it is taken as 4 bytes for each of a pixel's 200 widest values.
    """
    if not Path("/proc/self/status").exists():
        return UNKNOWN
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        model.write_bytes(stored)
        command = [sys.executable, "-c", PROGRAM, str(model), json.dumps(feeds)]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    small, large = (1024 * int(line) for line in printed[:2])
    return max(round((large - small) / pixels), 1)
