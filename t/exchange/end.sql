-- All hours have passed: what was filled and what was not are the orders, to the lot.
SET timezone = 'UTC';
SELECT coalesce(string_agg(what || ' ' || n, ', ' ORDER BY what), 'none') FROM (SELECT what, count(*) AS n FROM broken GROUP BY what) AS b;
SELECT string_agg(DISTINCT state, ',' ORDER BY state) FROM lem_orders;
SELECT count(*) FROM lem_orders AS o
LEFT JOIN (SELECT order_id, sum(CASE o.unit WHEN 'notional' THEN l.price * l.quantity ELSE l.quantity END) AS executed
	FROM ledger AS l JOIN lem_orders AS o ON o.id = l.order_id WHERE fill IS NOT NULL AND NOT busted GROUP BY order_id) AS l ON l.order_id = o.id
WHERE o.track = 'fills' AND (abs(coalesce(l.executed, 0) + o.unallocated - o.size) > 1e-9 * o.size
	OR (o.lot IS NOT NULL AND o.unit = 'quantity' AND abs(o.unallocated / o.lot - round(o.unallocated / o.lot)) > 1e-6))
	OR o.unallocated IS NULL;
SELECT count(*) > 0, bool_or(unallocated = 0), bool_or(unallocated > 0) FROM lem_orders WHERE track = 'fills';
SELECT count(DISTINCT event) FROM lem_order_event;
-- Shares of the market that orders took of the bars that they had slices in
SELECT 'realised share of expected volume, by what was allowed (per cent): ' || string_agg(format('%s: %s', most, share), ', ' ORDER BY most)
FROM (SELECT round(20 * (ord).max_participation) * 5 AS most, round((100 * sum(f.filled) / sum(f.usual))::numeric, 1) AS share
	FROM lem_orders AS o JOIN LATERAL (SELECT sum(c.quantity) AS filled, sum(usual(c.ts)) AS usual FROM lem_child_slice AS c
		WHERE c.order_id = o.id AND c.adjusted = 1 AND c.quantity > 0) AS f ON true
	WHERE unit = 'quantity' AND (ord).max_participation IS NOT NULL AND f.usual > 0 GROUP BY 1) AS s;
