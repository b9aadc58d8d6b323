# An image that trusts the certificate authorities this machine trusts, and whose pip is set up like its own.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY host/ /
RUN command -v update-ca-certificates >/dev/null || { \
        apt-get update -qq \
        && apt-get install -y -qq --no-install-recommends ca-certificates \
        && rm -rf /var/lib/apt/lists/*; \
    } \
    && update-ca-certificates
