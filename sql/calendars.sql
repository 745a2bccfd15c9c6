-- Calendars, and sessions as the bars show them.
SET client_min_messages = warning;
SET timezone = 'America/New_York';
SELECT count(*) > 0 AS installed FROM lem_install_bundled();

-- New York: trading days and early closes of nine years, and the days of one on which it is closed.
SELECT extract(year FROM day) AS year, count(*) AS days, count(*) FILTER (WHERE closes - opens < '6 hours') AS early
FROM lem_calendar_sessions('XNYS', '2019-01-01', '2027-12-31') GROUP BY 1 ORDER BY 1;
SELECT string_agg(to_char(d, 'MM-DD'), ' ' ORDER BY d) AS closed FROM generate_series('2025-01-01'::timestamp, '2025-12-31', '1 day') AS d
WHERE extract(isodow FROM d) < 6 AND NOT EXISTS (SELECT FROM lem_calendar_sessions('XNYS', d::date, d::date));
SELECT day, closes::time FROM lem_calendar_sessions('XNYS', '1992-01-01', '2027-12-31') WHERE extract(month FROM day) IN (7, 12) AND closes::time < '16:00' AND extract(year FROM day) IN (1999, 2002, 2012, 2013, 2024) ORDER BY 1;
SELECT count(*) FILTER (WHERE calendar = 'always') AS always, count(*) FILTER (WHERE calendar = 'XNYS') AS days FROM lem_calendar_day;
SELECT array_agg(b::time ORDER BY b) FROM lem_calendar_bars('XNYS', '2024-11-29', '2024-11-30', '1 hour') AS b;
SELECT count(*) FROM lem_calendar_bars('always', '2024-03-10', '2024-03-11', '1 hour');
SELECT * FROM lem_calendar_bars('XNYS', '2024-11-26', '2025-03-03', '1 month');
SELECT * FROM lem_calendar_bars('XNYS', '2024-12-20', '2025-01-08', '7 days');

-- Calendars of the user's: two sessions a day, one that begins the evening before, round the clock.
SELECT lem_set_calendar('tokyo', '{"time_zone": "Asia/Tokyo", "sessions": {"Mon-Fri": [["09:00", "11:30"], ["12:30", "15:30"]]}, "days": {"2026-01-02": {"note": "bank holiday"}}}');
SELECT lem_set_calendar('futures', '{"time_zone": "America/Chicago", "sessions": {"Mon-Fri": [["-07:00", "16:00"]]}}');
SELECT lem_set_calendar('fx', '{"time_zone": "America/New_York", "sessions": {"Sun-Thu": [["17:00", "17:00"]]}}');
SELECT day, opens AT TIME ZONE 'Asia/Tokyo' AS opens, closes AT TIME ZONE 'Asia/Tokyo' AS closes FROM lem_calendar_sessions('tokyo', '2026-01-01', '2026-01-05');
SELECT * FROM lem_calendar_sessions('futures', '2026-03-06', '2026-03-09');
SELECT * FROM lem_calendar_sessions('fx', '2026-03-05', '2026-03-08');
SELECT lem_set_calendar_day('tokyo', '2026-01-05', '[["09:00", "11:30"]]', 'half a day');
SELECT count(*) FROM lem_calendar_sessions('tokyo', '2026-01-05', '2026-01-05');
SELECT lem_set_calendar_day('tokyo', '2026-01-05', NULL);
SELECT count(*) FROM lem_calendar_sessions('tokyo', '2026-01-05', '2026-01-05');
BEGIN;
SELECT lem_set_calendar_day('tokyo', '2026-01-06');
SELECT count(*) FROM lem_calendar_sessions('tokyo', '2026-01-06', '2026-01-06');
ROLLBACK;
SELECT count(*) FROM lem_calendar_sessions('tokyo', '2026-01-06', '2026-01-06');

-- What is no calendar is refused.
SELECT lem_set_calendar('bad', NULL);
SELECT lem_set_calendar('', '{"sessions": {"Mon": [["09:00", "10:00"]]}}');
SELECT lem_set_calendar('bad', '[]');
SELECT lem_set_calendar('bad', '{"session": {}}');
SELECT lem_set_calendar('bad', '{"sessions": {}}');
SELECT lem_set_calendar('bad', '{"time_zone": "Mars", "sessions": {"Mon": [["09:00", "10:00"]]}}');
SELECT lem_set_calendar('bad', '{"sessions": {"Mon-Foo": [["09:00", "10:00"]]}}');
SELECT lem_set_calendar('bad', '{"sessions": {"Mon": [["9:00", "10:00"]]}}');
SELECT lem_set_calendar('bad', '{"sessions": {"Mon": [["09:00", "24:01"]]}}');
SELECT lem_set_calendar('bad', '{"sessions": {"Mon": [["09:00", "12:00"], ["11:00", "13:00"]]}}');
SELECT lem_set_calendar('bad', '{"sessions": {"Mon-Tue": [["09:00", "08:00"], ["08:30", "08:45"]]}}');
SELECT lem_set_calendar('bad', '{"sessions": {"Mon": [["12:00", "11:00"]], "Tue": [["10:00", "12:00"]]}}');
SELECT lem_set_calendar('bad', '{"sessions": {"Mon": [["09:00", "10:00"]]}, "rules": [{"month": 1}]}');
SELECT lem_set_calendar('bad', '{"sessions": {"Mon": [["09:00", "10:00"]]}, "rules": [{"month": 1, "easter": 1}]}');
SELECT lem_set_calendar('bad', '{"sessions": {"Mon": [["09:00", "10:00"]]}, "rules": [{"month": 13, "day": 1}]}');
SELECT lem_set_calendar('bad', '{"sessions": {"Mon": [["09:00", "10:00"]]}, "rules": [{"easter": 1, "when": 2}]}');
SELECT lem_set_calendar('bad', '{"sessions": {"Mon": [["09:00", "10:00"]]}, "days": {"2026-02-30": {}}}');
SELECT lem_set_calendar('bad', '{"sessions": {"Mon": [["09:00", "10:00"]]}, "days": {"2026-02-27": {}, "infinity": {}}}');
SELECT lem_set_calendar('bad', '{"sessions": {"Mon": [["09:00", "10:00"]]}, "rules": [{"easter": 1, "observed": {"Sun": 9}}]}');
SELECT lem_set_calendar('bad', '{"sessions": {"Mon": [["09:00", "10:00"]]}, "days": {"the 13th": {}}}');
SELECT lem_set_calendar_day('tokyo', 'infinity');
SELECT lem_set_calendar_day('tokyo', '2026-01-05', '{}');
SELECT lem_set_calendar_day('bad', '2026-01-05');
SELECT lem_calendar_bars('bad', '2026-01-01', '2026-01-02', '1 hour');
SELECT lem_calendar_bars('XNYS', '2026-01-01', 'infinity', '1 hour');
SELECT lem_calendar_bars('XNYS', '2026-01-01', '2026-01-02', '-1 hour');
SELECT lem_calendar_bars('XNYS', '2026-01-01', '2026-01-02', '36 hours');

-- Who may change one.
CREATE ROLE lem_calendar_user;
SET ROLE lem_calendar_user;
SELECT count(*) > 0 AS readable FROM lem_calendar_bars('XNYS', '2026-01-01', '2026-02-01', '1 day');
SELECT lem_set_calendar_day('XNYS', '2026-01-05');
SELECT lem_set_calendar('XNYS', '{"sessions": {"Mon": [["09:00", "10:00"]]}}');
SELECT lem_drop_calendar('tokyo');
SELECT lem_set_calendar('own', '{"sessions": {"Mon": [["09:00", "10:00"]]}}');
SELECT lem_set_calendar_day('own', '2026-01-05');
INSERT INTO lem_calendar_day VALUES ('XNYS', '2026-01-05');
SELECT lem_drop_calendar('own') AS dropped, lem_drop_calendar('own') AS again;
RESET ROLE;
DROP ROLE lem_calendar_user;
SELECT lem_reassign_owned('lem_calendar_user', current_user);
DROP ROLE lem_calendar_user;

-- Bars of a quarter of an hour in New York, on its days of 2024, with a volume that is the same each day.
CREATE TABLE ny AS SELECT b AS ts, 100.0::float8 AS price, (1000 + 200 * (extract(epoch FROM b::time - '09:30') / 900 - 13) ^ 2)::float8 AS volume
FROM lem_calendar_bars('XNYS', '2024-01-01', '2024-12-15', '15 minutes') AS b;
SELECT lem_import('sk', lem_export('crypto_1h'), config || '{"gaps": "skip", "time_zone": "America/New_York"}'),
	lem_import('ny', lem_export('crypto_1h'), config || '{"gaps": "carry", "calendar": "XNYS"}') FROM lem_models WHERE name = 'crypto_1h';
-- At each opening around changes of clocks and holidays: slices as the calendar has them, with a start and without.
SELECT m.name AS model, bool_and((s).ts = o) AS "at the open", bool_and((s).state = 'next') AS firm, count(*)
FROM (SELECT opens AS o FROM lem_calendar_sessions('XNYS', '2024-02-15', '2024-12-12')
	WHERE day - '2024-03-10' BETWEEN -3 AND 9 OR day - '2024-11-03' BETWEEN -3 AND 9 OR day BETWEEN '2024-11-25' AND '2024-12-12') AS d,
	(VALUES ('sk'), ('ny')) AS m (name),
	LATERAL (SELECT lem_next_slice(m.name, lem_order(100, max_bars => 4, start_ts => o), ts, price, volume) AS s FROM ny WHERE ts < o) AS x GROUP BY 1 ORDER BY 1;
SELECT bool_and((s).ts = o) AS "without a start", count(*)
FROM (SELECT opens AS o FROM lem_calendar_sessions('XNYS', '2024-02-15', '2024-12-12')) AS d,
	LATERAL (SELECT lem_next_slice('ny', lem_order(100, max_bars => 4), ts, price, volume) AS s FROM ny WHERE ts < o) AS x;
-- The curve of an early close goes over to the next day; that of other days is the same each day.
SELECT s.step, s.ts, round(s.allocation::numeric, 3) AS share FROM (SELECT lem_bars(ts, price, volume) AS b FROM ny) AS x,
	LATERAL lem_baseline('vwap_curve', lem_order(100, max_bars => 4, start_ts => '2024-11-29 12:30'), b, '{"calendar": "XNYS", "gaps": "skip"}') AS s;
SELECT o, array_agg(round(s.allocation::numeric, 3) ORDER BY step) AS curve, min(s.ts) FILTER (WHERE step = 1) = o AS "first at the open"
FROM (SELECT lem_bars(ts, price, volume) AS b FROM ny) AS x, unnest('{2024-03-08 09:30,2024-03-11 09:30,2024-03-18 09:30,2024-12-06 09:30}'::timestamptz[]) AS o,
	LATERAL lem_baseline('vwap_curve', lem_order(100, max_bars => 4, start_ts => o), b, '{"gaps": "skip", "time_zone": "America/New_York"}') AS s GROUP BY o ORDER BY o;
SELECT lem_baseline('twap', lem_order(100), b, '{"calendar": "nope"}') FROM (SELECT lem_bars(ts, price, volume) AS b FROM ny) AS x;
SELECT lem_import('ny2', lem_export('crypto_1h'), config || '{"calendar": 5}') FROM lem_models WHERE name = 'crypto_1h';

-- The window of a model does not limit what is known of the week.
SELECT (lem_next_slice('dow_1d', lem_order(100, max_bars => 12), ts, 100, 1000)).ts AS said
FROM (SELECT d + i * interval '5 min' AS ts FROM generate_series('2026-01-05 09:00'::timestamptz, '2026-02-27 09:00', '1 day') AS d, generate_series(0, 101) AS i WHERE extract(isodow FROM d) <= 5) AS b;
-- Days of 25 hours.
SELECT lem_import('g_' || g, lem_export('dow_1d'), config || jsonb_build_object('gaps', g, 'time_zone', 'America/New_York')) FROM lem_models, unnest('{carry,skip,error}'::text[]) AS g WHERE name = 'dow_1d';
SELECT g, (s).ts, (s).state FROM unnest('{carry,skip,error}'::text[]) AS g,
	LATERAL (SELECT lem_next_slice('g_' || g, lem_order(1, start_ts => '2024-11-04'), ts, 100, 1000) AS s FROM generate_series('2023-11-01'::timestamptz, '2024-11-03', '1 day') AS ts) AS x ORDER BY 1;

-- Without "gaps", a series of sessions is taken for one, and it is said.
SET client_min_messages = notice;
SELECT count(*) FROM (SELECT lem_bars(ts, price, volume) AS b FROM ny) AS x, LATERAL lem_baseline('twap', lem_order(100), b);
SELECT count(*) FROM (SELECT lem_bars(ts, 100, 1) AS b FROM generate_series('2024-01-01'::timestamptz, '2024-02-01', '15 min') AS ts) AS x, LATERAL lem_baseline('twap', lem_order(100), b);
SET client_min_messages = warning;

SELECT lem_drop('sk'), lem_drop('ny'), lem_drop('g_carry'), lem_drop('g_skip'), lem_drop('g_error');
SELECT lem_drop_calendar('tokyo'), lem_drop_calendar('futures'), lem_drop_calendar('fx');
DROP TABLE ny;
SELECT count(lem_drop(name)) AS dropped FROM unnest('{crypto_1h,dow_1d}'::text[]) AS name;
