"""The store over a builder that is quick: what is tested is what becomes of its work."""

import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from serving import paths
from serving.errors import ModelError
from serving.models import store

BUILDER = """
import os, pathlib, sys
name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
with open("count", "a") as count:
    count.write(f"{os.getpid()}\\n")
print("some noise", file=sys.stderr)
print("stage: half done", flush=True)
(folder / "samples.npz").write_bytes(b"samples of " + name.encode())
"""
FAILING = BUILDER + "sys.exit('the frameworks disagree')\n"
HANGING = BUILDER + "import signal; signal.pause()\n"
FULL = BUILDER + "sys.exit('X: [Errno 28] No space left on device: while at Y\\\\nbye')\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own, with the builder above in the place of the real one."""
    for source in ("__init__.py", *store.SOURCES):
        path = tmp_path / "serving" / source.format(name="digits")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "MODELS", tmp_path / "models")
    _install(tmp_path, BUILDER)
    return tmp_path


def _install(checkout: Path, builder: str) -> None:
    (checkout / "serving" / "models" / "build.py").write_text(builder)


def _ensure() -> store.BuiltModel:
    return store.ensure("digits", lambda _: None)


def _folders(checkout: Path) -> list[str]:
    return sorted(path.name for path in (checkout / "models" / "digits").iterdir() if path.is_dir())


def _builds(checkout: Path) -> list[int]:
    return [int(line) for line in (checkout / "count").read_text().split()]


def test_a_model_is_built_once(checkout: Path) -> None:
    heard: list[str] = []
    model = store.ensure("digits", heard.append)
    assert heard == ["digits: building, once", "digits: half done"]
    assert model.samples_path.read_bytes() == b"samples of digits"
    assert model.tfserving_base_path == model.folder / "tfserving" / "digits"
    assert model.mar == model.folder / "torchserve" / "digits.mar"
    model.verify()
    assert store.ensure("digits", pytest.fail) == model
    assert len(_builds(checkout)) == 1


def test_a_changed_definition_is_built_again_in_the_place_of_the_old(checkout: Path) -> None:
    old = _ensure()
    (checkout / "serving" / "models" / "digits.py").write_text("# changed")
    new = _ensure()
    assert new.folder != old.folder
    assert _folders(checkout) == [new.folder.name]


def test_another_library_is_another_model(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = _ensure()
    monkeypatch.setattr("importlib.metadata.version", lambda _: "99")
    assert _ensure().folder != old.folder


def test_a_failed_build_says_why_and_leaves_its_log(checkout: Path) -> None:
    _install(checkout, FAILING)
    log = checkout / "models" / "digits" / "build.log"
    with pytest.raises(ModelError) as caught:
        _ensure()
    assert str(caught.value) == f"digits cannot be built: the frameworks disagree (log: {log})"
    assert log.read_text() == "some noise\nthe frameworks disagree\n"
    assert _folders(checkout) == []
    _install(checkout, BUILDER)
    _ensure().verify()


def test_a_full_disk_is_called_that(checkout: Path) -> None:
    _install(checkout, FULL)
    with pytest.raises(ModelError, match=r"^digits cannot be built: No space left on device: free"):
        _ensure()
    assert _folders(checkout) == []


def test_an_interrupted_build_leaves_no_process_and_no_folder(checkout: Path) -> None:
    _install(checkout, HANGING)

    def interrupt(stage: str) -> None:
        if stage == "digits: half done":
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        store.ensure("digits", interrupt)
    assert not psutil.pid_exists(_builds(checkout)[0])
    assert _folders(checkout) == []


def test_of_two_that_want_a_model_one_builds(checkout: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: _ensure(), range(2))
    assert first == second
    assert len(_builds(checkout)) == 1


def test_what_a_killed_builder_left_is_removed(checkout: Path) -> None:
    (checkout / "models" / "digits" / ".building-dead" / "model").mkdir(parents=True)
    assert _folders(checkout) == [".building-dead"]
    model = _ensure()
    assert _folders(checkout) == [model.folder.name]


@pytest.mark.parametrize("damage", [lambda p: p.write_bytes(b"samples of DIGITS"), Path.unlink])
def test_a_damaged_file_is_named(checkout: Path, damage: object) -> None:
    model = _ensure()
    assert callable(damage)
    damage(model.samples_path)
    with pytest.raises(ModelError) as caught:
        model.verify()
    assert str(caught.value) == (
        f"digits: {model.samples_path} is damaged or missing:"
        f" delete {model.folder}, it is built again"
    )
    shutil.rmtree(model.folder)
    _ensure().verify()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 7}'])
def test_a_damaged_manifest_is_named(checkout: Path, text: str) -> None:
    model = _ensure()
    (model.folder / "MANIFEST.json").write_text(text)
    with pytest.raises(ModelError, match=r"MANIFEST\.json is damaged or missing"):
        model.verify()


def test_a_model_without_a_manifest_is_built_again(checkout: Path) -> None:
    model = _ensure()
    (model.folder / "MANIFEST.json").unlink()
    _ensure().verify()
    assert len(_builds(checkout)) == 2


def test_a_place_that_cannot_be_written_is_one_line(checkout: Path) -> None:
    (checkout / "models").write_text("a file")
    with pytest.raises(ModelError, match=r"^digits cannot be built: .*/models.*: Not a directory$"):
        _ensure()


def test_a_missing_library_is_one_line(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LIBRARIES", (("no-such-tensorflow", "nor-this"),))
    with pytest.raises(ModelError, match=r"needs no-such-tensorflow, .* run make setup"):
        _ensure()


def test_where_nothing_can_be_built_the_model_that_is_there_is_taken(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = _ensure()
    monkeypatch.setattr(store, "LIBRARIES", (("no-such-framework",),))
    assert _ensure() == built
    assert len(_builds(checkout)) == 1
    (built.folder / store.MANIFEST).unlink()  # a build that has not ended
    with pytest.raises(ModelError, match="needs no-such-framework, which is not installed"):
        _ensure()
