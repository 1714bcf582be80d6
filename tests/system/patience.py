"""How long tests wait for what must come true: slow builds get more."""

import os
import time

PATIENCE_S = float(os.environ.get("DNSD_PATIENCE", "20"))


def until(condition, what):
    """Waits for it; what it became."""
    end = time.monotonic() + PATIENCE_S
    while True:
        became = condition()
        if became:
            return became
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true")
        time.sleep(0.02)
