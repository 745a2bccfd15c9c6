-- Orders at the openings of sessions, given to lem_work as time passes; what they are not stamped with is in broken.
SET timezone = 'UTC';
SET client_min_messages = warning;
\set ON_ERROR_STOP 1

-- Markets: New York, London, Sydney; a lunch break; 23 hours that begin the evening before; 24 hours on five days
SELECT lem_set_calendar('london', '{"time_zone": "Europe/London", "sessions": {"Mon-Fri": [["08:00", "16:30"]]}, "rules": [
	{"month": 1, "day": 1, "observed": {"Sat": 2, "Sun": 1}}, {"easter": -2}, {"easter": 1}, {"month": 5, "weekday": "Mon", "nth": 1}, {"month": 5, "weekday": "Mon", "nth": -1},
	{"month": 8, "weekday": "Mon", "nth": -1}, {"month": 12, "day": 25, "observed": {"Sat": 2, "Sun": 1}}, {"month": 12, "day": 26, "observed": {"Sat": 2, "Sun": 2}},
	{"month": 12, "day": 24, "on": ["Mon", "Tue", "Wed", "Thu", "Fri"], "sessions": [["08:00", "12:30"]]}]}');
SELECT lem_set_calendar('sydney', '{"time_zone": "Australia/Sydney", "sessions": {"Mon-Fri": [["10:00", "16:00"]]}, "rules": [
	{"month": 1, "day": 1, "observed": {"Sat": 2, "Sun": 1}}, {"month": 1, "day": 26, "observed": {"Sat": 2, "Sun": 1}}, {"easter": -2}, {"easter": 1}, {"month": 4, "day": 25},
	{"month": 12, "day": 25, "observed": {"Sat": 2, "Sun": 1}}, {"month": 12, "day": 24, "on": ["Mon", "Tue", "Wed", "Thu", "Fri"], "sessions": [["10:00", "14:10"]]}]}');
SELECT lem_set_calendar('tokyo', '{"time_zone": "Asia/Tokyo", "sessions": {"Mon-Fri": [["09:00", "11:30"], ["12:30", "15:30"]]}, "rules": [
	{"month": 1, "day": 1}, {"month": 1, "day": 2}, {"month": 1, "day": 3}, {"month": 12, "day": 31}, {"month": 1, "weekday": "Mon", "nth": 2}, {"month": 5, "day": 3}, {"month": 5, "day": 4}, {"month": 5, "day": 5}]}');
SELECT lem_set_calendar('futures', '{"time_zone": "America/Chicago", "sessions": {"Mon-Fri": [["-07:00", "16:00"]]}, "rules": [
	{"month": 1, "day": 1}, {"easter": -2}, {"month": 12, "day": 25}, {"month": 11, "weekday": "Thu", "nth": 4, "sessions": [["-07:00", "12:00"]]}]}');
SELECT lem_set_calendar('currencies', '{"time_zone": "America/New_York", "sessions": {"Sun-Thu": [["17:00", "17:00"]]}, "rules": [{"month": 12, "day": 25}, {"month": 1, "day": 1}]}');
CREATE TABLE markets (market text, step interval);
INSERT INTO markets VALUES ('XNYS', '30 minutes'), ('london', '30 minutes'), ('sydney', '30 minutes'), ('tokyo', '30 minutes'), ('futures', '1 hour'), ('currencies', '1 hour');
SELECT lem_set_feed(market, market) FROM markets;

-- Bars of two months before and of the years asked for
CREATE TABLE bars (series text, ts timestamptz, price float8, volume float8);
INSERT INTO bars SELECT market, ts, 100 * exp(sin(extract(epoch FROM ts) / 40000) / 50), 1000 * (1.5 + sin(extract(hour FROM ts)))
FROM markets, lem_calendar_bars(market, make_timestamptz(:first - 1, 10, 15, 0, 0, 0), make_timestamptz(:last + 1, 1, 15, 0, 0, 0), step) AS ts;
CREATE INDEX ON bars (series, ts);
ANALYZE bars;

-- Openings in weeks with a change of clocks anywhere, a holiday, or a session that is shorter than usual
CREATE TABLE openings AS
WITH s AS (SELECT market, step, s.day, opens, closes, date_trunc('week', s.day::timestamp)::date AS week FROM markets, lem_calendar_sessions(market, make_date(:first, 1, 1), make_date(:last, 12, 31)) AS s),
special AS (
	SELECT market, week FROM s GROUP BY market, week HAVING count(*) < CASE market WHEN 'tokyo' THEN 10 ELSE 5 END
	UNION SELECT market, week FROM (SELECT market, week, closes - opens AS length, max(closes - opens) OVER (PARTITION BY market) AS usual FROM s) AS l WHERE length < usual AND market <> 'tokyo'
	UNION SELECT market, date_trunc('week', d)::date + w FROM markets, generate_series(make_timestamp(:first, 1, 1, 0, 0, 0), make_timestamp(:last, 12, 31, 0, 0, 0), '1 day') AS d,
		unnest('{America/New_York,Europe/London,Australia/Sydney}'::text[]) AS z, unnest('{0,7}'::int[]) AS w
	WHERE (d AT TIME ZONE z) + interval '1 day' <> (d + interval '1 day') AT TIME ZONE z)
SELECT s.market, s.step, s.day, s.opens FROM s JOIN special USING (market, week) ORDER BY s.market, s.opens;

CREATE TABLE broken (market text, opens timestamptz, model text, given boolean, slices text);
