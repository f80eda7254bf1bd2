"""What lies beside an engine: the plug-ins need numpy or torch and nothing else, so nothing of the engine's is replaced."""

from __future__ import annotations

import subprocess
import sys

ALONE = """
import sys
from importlib.abc import MetaPathFinder

ALLOWED = {*sys.stdlib_module_names, "engines", "labelers", "numpy"}

class Refusing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ALLOWED:
            raise ModuleNotFoundError(f"{name} is not there")

sys.meta_path.insert(0, Refusing())
import engines.llama_cpp, engines.sending
print(len(engines.sending.sglang_processor()) > 1000)
"""


def test_the_plugins_import_nothing_but_numpy_and_their_own_rooms() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")
