# The container action. Releases build on the base image's digest of that day (release.yml); here the tag
# alone, so that `uses: ./` and a build where no registry answers (make image BASE_IMAGE=...) both work.
ARG BASE_IMAGE=python:3.13-slim-trixie

FROM ${BASE_IMAGE} AS dependencies
COPY requirements/runtime.txt /tmp/runtime.txt
# --no-deps: the lock is complete, and leaves out on purpose what pip would add (see pyproject.toml).
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --no-cache-dir --no-deps --require-hashes \
        --only-binary :all: --requirement /tmp/runtime.txt \
    && rm -r /venv/lib/python3*/site-packages/tests # actions-toolkit brings its own along

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="pgrst-gate" \
    org.opencontainers.image.description="Reload PostgREST's schema cache, and fail unless the API serves the new schema" \
    org.opencontainers.image.licenses="MIT"
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1
# For `host`. The base image's digest pins the release of Debian, and security updates are welcome.
# hadolint ignore=DL3008
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends openssh-client \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/* /var/cache/debconf /var/log/apt /var/log/dpkg.log
COPY --from=dependencies /venv /venv
COPY entrypoint.py /app/
COPY src/pgrst_gate /app/pgrst_gate
RUN ln -s /app/entrypoint.py /venv/bin/pgrst-gate && python -m compileall -q /app

# No USER: the runner mounts its files and the Docker socket for root. No WORKDIR: the runner sets its own.
# No shell in between: dash drops variables like INPUT_ADMIN-URL, and a shell as PID 1 swallows signals.
ENTRYPOINT ["python", "/app/entrypoint.py"]
