"""One tuning: brief runs with settings that a search chooses, then the best ones beside ours."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from pydantic import ValidationError

from loadtests import host
from loadtests.locust_run import GeneratorError
from loadtests.plan import Plan, make_plan
from loadtests.planning.gain import gain
from loadtests.record.files import write_whole
from loadtests.record.keeper import new_folder, utc_now
from loadtests.record.scale import Measured  # noqa: F401
from loadtests.record.summary import Summary, TargetSummary
from loadtests.record.tune import TUNE, Compared, TargetTune, Trial, TuneQuestion, TuneRecord
from loadtests.search.tuning import TuningSearch
from loadtests.target import Target
from serving.errors import DeploymentError, ParityError, RecordError, UsageError
from serving.tuning import Tunable, name_of, tunable, write_configuration

RUNS = "runs"
TRIALS = "trials"
SEARCH_PROFILE = "brief"
COMPARE_PROFILE = "quick"
OURS = ("tuned", "vendor")

Measure = Callable[[Plan], Path]
"""Makes one run, and answers its folder."""
