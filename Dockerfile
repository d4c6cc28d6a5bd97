# Two images of ours: `redline` (exporters, Locust master and workers) and `redline-models`, which has
# the frameworks as well and builds the models. Neither needs BuildKit.
#
# PYTHON_IMAGE is the base of all. TORCH_INDEX is an index that offers CPU builds of PyTorch; without
# one the default build is taken, gigabytes of CUDA with it. Where PyPI cannot be reached, PIP_INDEX_URL
# is an index of your own, or PIP_FIND_LINKS a page of links to wheels (with PIP_NO_INDEX=1).
#
# What is installed is not compiled as a whole, gigabytes that nobody imports: each image imports once
# what it is for, since nothing can be written where it runs.
ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm

# What Redline asks for at run time, without Redline itself: changes of its sources come later.
FROM ${PYTHON_IMAGE} AS requirements
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PATH=/opt/redline/bin:$PATH
ENV REDLINE_MODELS=/models PYTHONUNBUFFERED=1
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libnghttp2-14 libssl3 \
    && rm -rf /var/lib/apt/lists/*
COPY pyproject.toml constraints.txt /source/
WORKDIR /source
RUN python3 -m venv /opt/redline \
    && python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' >/requirements.txt \
    && pip install --no-compile --constraint constraints.txt --requirement /requirements.txt

FROM requirements AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ libnghttp2-dev libssl-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
COPY . /source
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
RUN pip wheel --no-deps --wheel-dir /built .

FROM requirements AS redline
COPY --from=build /built /built
RUN pip install --no-deps --no-index /built/*.whl \
    && python -c 'import sys; from loadtests import engine; sys.exit(engine.why_unavailable() or 0)' \
    && ln -s "$(python -c 'import loadtests.scenarios as s; print(*s.__path__)')" /scenarios \
    && for command in "locust --version" "python -m exporters --help"; do $command >/dev/null || exit; done
USER 10001:10001
WORKDIR /tmp

FROM requirements AS models
ARG TORCH_INDEX
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
RUN python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["serving"], sep="\n")' >/serving.txt \
    && torch=$(sed -n 's/^torch==//p' /serving.txt) \
    && set -- ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} --no-compile --constraint constraints.txt \
    && { pip install "$@" "torch==$torch+cpu" || pip install "$@" "torch==$torch"; } \
    && pip install "$@" --requirement /serving.txt
COPY --from=build /built /built
RUN pip install --no-deps --no-index /built/*.whl \
    && python -c 'import tensorflow, torch' \
    && mkdir /models /served && chown 10001:10001 /models /served
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["python", "-m", "serving.prepare"]
