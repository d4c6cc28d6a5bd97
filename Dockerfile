# Two images of ours: `redline` (exporters, Locust master and workers) and `redline-models`, which has
# the frameworks as well and builds the models. Neither needs BuildKit.
#
# PYTHON_IMAGE is the base of all. WHEELS names an image with wheels in /wheels for pip to find
# (PIP_FIND_LINKS=/wheels), for where an index cannot be reached. TORCH_INDEX is an index that offers
# CPU builds of PyTorch; without one the default build is taken, gigabytes of CUDA with it.
ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm
ARG WHEELS=no-wheels

FROM ${PYTHON_IMAGE} AS no-wheels
RUN mkdir /wheels

FROM ${WHEELS} AS wheels

# What Redline asks for at run time, without Redline itself: changes of its sources come later.
FROM ${PYTHON_IMAGE} AS requirements
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PATH=/opt/redline/bin:$PATH
COPY --from=wheels /wheels /wheels
COPY pyproject.toml constraints.txt /source/
WORKDIR /source
RUN python3 -m venv /opt/redline \
    && python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' >/requirements.txt \
    && pip install --constraint constraints.txt --requirement /requirements.txt

FROM requirements AS frameworks
ARG TORCH_INDEX
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
RUN python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["serving"], sep="\n")' >/serving.txt \
    && torch=$(sed -n 's/^torch==//p' /serving.txt) \
    && set -- ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} --constraint constraints.txt \
    && { pip install "$@" "torch==$torch+cpu" || pip install "$@" "torch==$torch"; } \
    && pip install --constraint constraints.txt --requirement /serving.txt

FROM requirements AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ libnghttp2-dev libssl-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
COPY . /source
RUN pip wheel --no-deps --wheel-dir /built .

FROM ${PYTHON_IMAGE} AS redline
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libnghttp2-14 libssl3 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=requirements /opt/redline /opt/redline
COPY --from=build /built /built
ENV PATH=/opt/redline/bin:$PATH REDLINE_MODELS=/models PYTHONUNBUFFERED=1
RUN pip install --no-deps --no-index /built/*.whl \
    && python -c 'import sys; from loadtests import engine; sys.exit(engine.why_unavailable() or 0)' \
    && ln -s "$(python -c 'import loadtests.scenarios as s; print(*s.__path__)')" /scenarios
USER 10001:10001
WORKDIR /tmp

FROM ${PYTHON_IMAGE} AS models
COPY --from=frameworks /opt/redline /opt/redline
COPY --from=build /built /built
ENV PATH=/opt/redline/bin:$PATH REDLINE_MODELS=/models PYTHONUNBUFFERED=1
RUN pip install --no-deps --no-index /built/*.whl \
    && mkdir /models /served && chown 10001:10001 /models /served
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["python", "-m", "serving.prepare"]
