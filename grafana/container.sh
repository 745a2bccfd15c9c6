#!/bin/sh
# What a new database of the container has: the extension, the bundled models, a role for Grafana.
set -e
psql -v ON_ERROR_STOP=1 -v password="$GRAFANA_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
CREATE EXTENSION pg_cron;
CREATE EXTENSION lem;
SELECT name, version FROM lem_install_bundled();
CREATE ROLE grafana LOGIN PASSWORD :'password' IN ROLE pg_read_all_stats;
SQL
