-- One hour: look at what was told, trade it or not, and change one's mind.
SET timezone = 'UTC';
\set ON_ERROR_STOP 1
SET search_path = public;

-- Slices that are new: no limit is broken, with what was known when they were told.
INSERT INTO broken
SELECT :hour, s.order_id, s.step, w.what
FROM lem_child_slice AS s JOIN lem_orders AS o ON o.id = s.order_id
LEFT JOIN known AS k USING (order_id)
CROSS JOIN LATERAL (SELECT CASE WHEN EXISTS (SELECT FROM splits AS x WHERE x.series = o.series AND x.ts <= s.ts) THEN 2 ELSE 1 END AS factor) AS f
CROSS JOIN LATERAL (SELECT b.price FROM bars AS b WHERE b.series = o.series AND b.ts < s.ts ORDER BY b.ts DESC LIMIT 1) AS b
CROSS JOIN LATERAL (VALUES
	('size', s.quantity > o.size - coalesce(k.executed, 0) + 1e-9 * o.size),
	('max_rate', s.quantity > o.max_rate * o.size * (1 + 1e-9) + coalesce(o.lot, 0)),
	('max_participation', s.quantity > (o.ord).max_participation * usual(s.ts) * f.factor * CASE o.unit WHEN 'notional' THEN b.price ELSE 1 END * (1 + 1e-9)),
	('limit_price', s.quantity > 0 AND CASE o.side WHEN 'buy' THEN b.price > (o.ord).limit_price ELSE b.price < (o.ord).limit_price END),
	('end_ts', s.quantity > 0 AND s.ts + interval '1 hour' > (o.ord).end_ts),
	('min_quantity', s.quantity > 0 AND s.quantity < (o.ord).min_quantity * (1 - 1e-9) AND s.quantity < o.size - coalesce(k.executed, 0) - 1e-9 * o.size),
	('lot', o.lot IS NOT NULL AND abs(s.quantity / o.lot - round(s.quantity / o.lot)) > 1e-9)) AS w (what, broken)
WHERE w.broken AND NOT s.skipped AND NOT s.late AND NOT EXISTS (SELECT FROM seen WHERE seen.order_id = s.order_id AND seen.step = s.step);

-- Slices that were told before are as they were.
INSERT INTO broken SELECT :hour, order_id, step, 'changed' FROM seen LEFT JOIN lem_child_slice AS s USING (order_id, step)
WHERE slice IS DISTINCT FROM concat_ws(' ', s.ts, s.allocation, s.quantity, s.decided_at, s.reason, md5(s.inputs));

-- The exchange trades what is new: in full, in part, at other prices, not at all; some reports come late, some twice.
INSERT INTO ledger
SELECT 'f' || s.order_id || '.' || s.step || '.' || part, s.order_id, s.ts + part * interval '10 minutes', b.price * (1 + 0.001 * (luck('r' || s.order_id || '.' || s.step || '.' || part) - 0.5)),
	q.quantity / part_count / CASE o.unit WHEN 'notional' THEN b.price * 1.0005 ELSE 1 END, s.step, :hour + CASE WHEN luck('l' || s.order_id || '.' || s.step) < 0.05 THEN 1 ELSE 0 END
FROM lem_child_slice AS s JOIN lem_orders AS o ON o.id = s.order_id
CROSS JOIN LATERAL (SELECT b.price FROM bars AS b WHERE b.series = o.series AND b.ts < s.ts ORDER BY b.ts DESC LIMIT 1) AS b
CROSS JOIN LATERAL (SELECT luck('d' || s.order_id || '.' || s.step) AS dice) AS d
CROSS JOIN LATERAL (SELECT CASE WHEN dice < 0.15 THEN 0 WHEN dice < 0.4 AND o.lot IS NOT NULL THEN o.lot * floor(s.quantity / o.lot * dice)
	WHEN dice < 0.4 THEN s.quantity * dice ELSE s.quantity END AS quantity) AS q
CROSS JOIN LATERAL (SELECT CASE WHEN o.lot IS NULL AND dice > 0.9 THEN 2 ELSE 1 END AS part_count) AS c
CROSS JOIN LATERAL generate_series(1, part_count) AS part
WHERE o.track = 'fills' AND s.quantity > 0 AND NOT s.late AND NOT s.skipped AND q.quantity > 0
	AND NOT EXISTS (SELECT FROM seen WHERE seen.order_id = s.order_id AND seen.step = s.step);
INSERT INTO seen SELECT order_id, step, concat_ws(' ', ts, allocation, quantity, decided_at, reason, md5(inputs)) FROM lem_child_slice ON CONFLICT DO NOTHING;
UPDATE ledger SET fill = lem_record_fill(order_id, ts, price, quantity, CASE WHEN luck(name) < 0.7 THEN step END, quantity * 0.001, name) WHERE due <= :hour AND fill IS NULL;
INSERT INTO broken SELECT :hour, order_id, step, 'recorded twice' FROM ledger
WHERE fill IS NOT NULL AND luck('t' || name) < 0.2 AND order_id NOT IN (SELECT id FROM lem_orders JOIN splits USING (series)) AND lem_record_fill(order_id, ts, price, quantity, step, 0, name) <> fill;
UPDATE ledger SET busted = lem_bust_fill(fill, 'no such trade') WHERE fill IS NOT NULL AND NOT busted AND luck('b' || name || :hour) < 0.01;

-- Changes of mind
SELECT count(lem_pause_order(id, 'news')) AS paused FROM lem_orders WHERE state = 'active' AND luck('pause' || id || :hour) < 0.02 \gset
SELECT count(lem_resume_order(id, CASE WHEN id % 2 = 0 THEN 'skip' ELSE 'catch_up' END)) AS resumed FROM lem_orders
WHERE state = 'paused' AND luck('resume' || id || :hour) < 0.5 \gset
SELECT count(lem_amend_order(id, size => size + 100 * coalesce(lot, 1), max_participation => least(1, 1.2 * (ord).max_participation))) AS amended FROM lem_orders
WHERE state = 'active' AND coalesce(filled, 0) <= size AND unit = 'quantity' AND luck('amend' || id || :hour) < 0.02 \gset

-- The next hour: its bar, and shares that are split
INSERT INTO bars SELECT series, ts, price / f, volume * f FROM market,
	LATERAL (SELECT CASE WHEN EXISTS (SELECT FROM splits AS x WHERE x.series = market.series AND x.ts <= timestamptz '2026-02-01' + :hour * interval '1 hour') THEN 2 ELSE 1 END AS f) AS f
WHERE ts = timestamptz '2026-02-01' + (:hour - 1) * interval '1 hour';
UPDATE bars SET price = bars.price / 2, volume = bars.volume * 2 FROM splits
WHERE splits.series = bars.series AND splits.ts = timestamptz '2026-02-01' + :hour * interval '1 hour' AND bars.ts < splits.ts - interval '1 hour';
SELECT count(lem_adjust_order(id, 2)) AS adjusted FROM lem_orders AS o JOIN splits AS x ON x.series = o.series AND x.ts = timestamptz '2026-02-01' + :hour * interval '1 hour'
WHERE state IN ('active', 'paused') \gset
UPDATE ledger SET price = ledger.price / 2, quantity = ledger.quantity * 2 FROM lem_orders AS o JOIN splits AS x ON x.series = o.series AND x.ts = timestamptz '2026-02-01' + :hour * interval '1 hour'
WHERE ledger.order_id = o.id AND o.state IN ('active', 'paused') AND ledger.fill IS NOT NULL;

-- What is known of fills when the next slices are told
TRUNCATE known;
INSERT INTO known SELECT order_id, sum(CASE o.unit WHEN 'notional' THEN l.price * l.quantity ELSE l.quantity END)
FROM ledger AS l JOIN lem_orders AS o ON o.id = l.order_id WHERE fill IS NOT NULL AND NOT busted GROUP BY order_id;
