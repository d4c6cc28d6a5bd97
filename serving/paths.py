"""Where the checkout is, and where built things are kept."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
MODELS = BUILD / "models"
RESULTS = ROOT / "results"
