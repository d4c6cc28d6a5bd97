"""Where the checkout is, and where built things are kept."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
MODELS = Path(os.environ.get("REDLINE_MODELS", BUILD / "models"))
"""In a container, where they are mounted."""
RESULTS = ROOT / "results"
