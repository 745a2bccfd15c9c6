# PostgreSQL with lem and pg_cron, built from this folder (doc/operations.md, Containers).
FROM postgres:17-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
	gcc libc6-dev libopenblas-serial-dev make postgresql-server-dev-17
COPY . /lem
WORKDIR /lem
RUN make PG_CONFIG=/usr/lib/postgresql/17/bin/pg_config -j "$(nproc)" all \
	&& make PG_CONFIG=/usr/lib/postgresql/17/bin/pg_config DESTDIR=/installed install

FROM postgres:17-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends libopenblas0-serial postgresql-17-cron \
	&& rm -rf /var/lib/apt/lists/*
COPY --from=build /installed /
COPY grafana/container.sh /docker-entrypoint-initdb.d/lem.sh
CMD ["postgres", "-c", "shared_preload_libraries=lem,pg_cron", "-c", "cron.database_name=lem"]
