# A server to test against that has a Docker engine of its own, for what would disturb the engine it runs on; and
# nginx, since not every kernel has what a Swarm balances by (ip_vs).
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends docker.io docker-cli iptables nginx-light \
    && rm -rf /var/lib/apt/lists/*
VOLUME /var/lib/docker
