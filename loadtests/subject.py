"""What each target of a run is asked, and where: models of ours, or a server that runs already."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from loadtests.plan import External, Plan
from loadtests.target import Target
from serving.access import OPEN, Access, headers_to_environment
from serving.client import connect
from serving.corpus import AnyCorpus, Corpus, open_corpus
from serving.deployment import EXTERNAL, Deployment, plan_launch
from serving.external.examine import examine, first_answer
from serving.external.guard import ANY_RATE
from serving.external.server import ExternalServer
from serving.external.stand_in import is_stand_in
from serving.launch import Launch
from serving.models import MODELS
from serving.models.store import BuiltModel, ensure
from serving.requests.corpus import read_corpus
from serving.requests.make import Order, make_corpus
from serving.requests.values import Wish
from serving.versions import may_load, own_copy

MOST_COMPARED = 500
"""Requests that are compared one by one before the load, of a corpus of any size."""
ASK_TIMEOUT_S = 60.0
OTHER_MODEL = "if another model of that name is served there, make it a corpus (record-corpus)"
OTHER_ANSWERS = "if the server is right, make the corpus again, or with a larger --tolerance"


@dataclass(frozen=True, slots=True)
class Subject:
    """One target's requests, how its server comes to run, and what the generator is told of both.

    ``options`` are those of the scenario, ``environment`` is the generator's; ``unknown`` says in
    words what cannot be known of this server, ``remedy`` what to do where its answers differ.
    ``cores_unknown``: it may share the generator's. ``wait`` returns the seconds from the server's
    start to its first right answer. ``own`` is there where another version of the model is loaded:
    the copy that the server serves in a work folder.
    """

    corpus: AnyCorpus
    model_key: str
    launch: Callable[[Path], Launch]
    wait: Callable[[Deployment], float]
    own: Callable[[Path], BuiltModel] | None = None
    access: Access = OPEN
    most_rps: float | None = None
    server_cores: tuple[int, ...] = ()
    cores_unknown: bool = False
    requests: str = ""
    unknown: tuple[str, ...] = ()
    remedy: str = ""
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the generator's processes."""
        return headers_to_environment(self.access.headers)

    @property
    def compared(self) -> range:
        """The requests whose answers are compared before any load."""
        return range(0, len(self.corpus), -(-len(self.corpus) // MOST_COMPARED))


class Subjects(Protocol):
    """Finds what a target is asked."""

    def prepare(self) -> None:
        """What is done before the first target."""

    def open(self, target: Target) -> Subject:
        """One target's subject; RedlineError when it cannot be had."""


def subjects_of(plan: Plan, folder: Path, say: Callable[[str], None]) -> Subjects:
    """The subjects of a plan; what is made for them goes into the run's ``folder``."""
    if plan.external is not None:
        return _Elsewhere(plan, plan.external, folder, say)
    return _Ours(plan, say)


class _Ours:
    """Models that are built here, on servers that are started here."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._say = say
        self._built: dict[str, BuiltModel] = {}
        self._mix = plan.scenario.mix if plan.scenario else ()
        self._cold = plan.scenario is not None and plan.scenario.name == "cold"

    def prepare(self) -> None:
        """Build the models."""
        named = [target.model for target in self._plan.targets]
        for name in dict.fromkeys([*named, *(part.model for part in self._mix)]):
            self._built[name] = ensure(name, self._say)
            self._built[name].verify()

    def open(self, target: Target) -> Subject:
        """The framework's own answers are expected."""
        built, plan = self._built[target.model], self._plan
        corpus = open_corpus(built, target.server, target.body, target.batch)
        in_container = plan.kinds[target.server] == "image"  # at an address that is not loopback
        return Subject(
            corpus=corpus,
            model_key=built.folder.name,
            launch=partial(self._launch, target, built),
            wait=partial(self._wait, corpus),
            own=partial(_copy_in, built) if self._cold else None,
            server_cores=plan.server_cores,
            options={"max-rate": ANY_RATE} if in_container else {},
        )

    def _launch(self, target: Target, built: BuiltModel, work: Path) -> Launch:
        kind, cores = self._plan.kinds[target.server], self._plan.server_cores
        served = own_copy(built, _copy_in(built, work).folder) if self._cold else built
        mixed = {part.model: self._built[part.model] for part in self._mix}
        also = [each for name, each in mixed.items() if name != target.model]
        launch = plan_launch(served, target.server, kind, target.configuration, cores, work, also)
        return may_load(launch) if self._cold else launch

    def _wait(self, corpus: Corpus, server: Deployment) -> float:
        ready_s = server.wait_until_right(corpus)
        for part in self._mix:
            built = self._built[part.model]
            its = open_corpus(built, server.launch.server, part.body, part.batch)
            server.wait_until_right(its)
        return ready_s


def _copy_in(built: BuiltModel, work: Path) -> BuiltModel:
    return replace(built, folder=work / "model")


class _Elsewhere:
    """One model of a server that runs already."""

    def __init__(
        self, plan: Plan, external: External, folder: Path, say: Callable[[str], None]
    ) -> None:
        self._plan = plan
        self._asked = external
        self._folder = folder
        self._say = say

    def prepare(self) -> None:
        """Nothing: each target is looked at before it is loaded."""

    def open(self, target: Target) -> Subject:
        """Look at the server, and find or make the requests."""
        external, told = self._asked.server, self._asked.cores_told
        address = external.addresses[target.protocol]
        version = examine(external, target.protocol, target.model)
        corpus, made, key = self._corpus(target)
        with connect(corpus, address, ASK_TIMEOUT_S, external.access) as ask:
            first_answer(external, corpus, ask)
        launch = _launch(external, target, version, kind=self._kind(target))
        options = {"max-rate": external.most_rps, "ca": external.access.ca_file}
        return Subject(
            corpus=corpus,
            model_key=key,
            launch=lambda _: launch,
            wait=lambda _: 0.0,
            access=external.access,
            most_rps=external.most_rps,
            server_cores=self._plan.server_cores if told else (),
            cores_unknown=external.local and not told,
            requests=f"{len(corpus)} requests: {made}",
            remedy=OTHER_MODEL if isinstance(corpus, Corpus) else OTHER_ANSWERS,
            unknown=tuple(_unknown(external, corpus, repeats=self._plan.repeats, cores_told=told)),
            options=options if isinstance(corpus, Corpus) else {**options, "corpus": key},
        )

    def _kind(self, target: Target) -> str:
        """A stand-in is never called by the server's name, whoever started it."""
        server = self._asked.server
        asked = server.addresses[target.protocol], target.model, server.access
        stand_in = server.server == "tfserving" and is_stand_in(*asked)
        return "embedded" if stand_in else EXTERNAL

    def _corpus(self, target: Target) -> tuple[AnyCorpus, str, str]:
        """The requests, what they are in words, and the folder they are in (or our model's key)."""
        folder = self._asked.corpora.get(target)
        if folder is None and target.model in MODELS:
            built = ensure(target.model, self._say)
            ours = open_corpus(built, target.server, target.body, target.batch)
            return ours, f"{target.model}, a model of this suite", built.folder.name
        if folder is None:
            folder = self._folder / f"corpus-{target.name}"
            wish = Wish(target.batch, dims=self._asked.dims)
            make_corpus(Order(self._asked.server, target.protocol, target.model, wish), folder)
        read = read_corpus(folder)
        return read, read.manifest.made, str(folder)


def _launch(external: ExternalServer, target: Target, version: str, kind: str) -> Launch:
    addresses = {target.protocol: external.addresses[target.protocol]}
    if external.metrics:
        addresses["metrics"] = external.metrics
    return Launch(
        server=external.server,
        kind=kind,
        version=version,
        command=(),
        configuration="",
        addresses=addresses,
        ports=(),
    )


def _unknown(
    external: ExternalServer, corpus: AnyCorpus, *, repeats: int, cores_told: bool
) -> Iterator[str]:
    """In words, what is not known since the server is not ours."""
    yield "its CPU and memory: the server was not started here, so its processes are not looked at"
    if not cores_told:
        yield "its cores: no figure is given per core"
    if repeats > 1:
        yield "its restart: all repeats were made on the server as it ran"
    if external.metrics is None:
        yield "its own count of requests (--metrics says where it is): nothing is reconciled"
    if not corpus.against:
        yield "the right answers: of each answer only its status was checked"
