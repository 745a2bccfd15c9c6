-- Each opening: orders with a start, told before it; orders without, told at it; and their second slices.
SET timezone = 'UTC';
\set ON_ERROR_STOP 1
DO $$
DECLARE
	o record;
	bar timestamptz[];
	ended timestamptz;
BEGIN
	FOR o IN SELECT * FROM openings LOOP
		SELECT array_agg(ts ORDER BY ts) INTO bar FROM (SELECT ts FROM lem_calendar_bars(calendar_of(o.market), o.opens, o.opens + interval '12 days', o.step) AS ts LIMIT 2) AS b;
		SELECT least(bar[1] + o.step, (SELECT min(closes) FROM lem_calendar_sessions(calendar_of(o.market), o.day - 1, o.day + 1) AS s WHERE closes > bar[1])) INTO ended;
		PERFORM lem_submit_order(o.market, model, lem_order(1000, start_ts => o.opens, max_bars => 2, min_bars => 2, max_rate => 0.6), feed => o.market) FROM unnest('{sessions_carry,sessions_skip}'::text[]) AS model;
		CALL lem_work('SELECT * FROM bars', o.opens - interval '55 seconds', o.market);
		PERFORM lem_submit_order(o.market, model, lem_order(1000, max_bars => 2, min_bars => 2, max_rate => 0.6), feed => o.market) FROM unnest('{sessions_carry,sessions_skip}'::text[]) AS model;
		CALL lem_work('SELECT * FROM bars', o.opens + interval '5 seconds', o.market);
		CALL lem_work('SELECT * FROM bars', ended + interval '5 seconds', o.market);
		INSERT INTO broken SELECT o.market, o.opens, p.model, (p.ord).start_ts IS NOT NULL, string_agg(s.step || ' ' || s.ts || coalesce(' ' || s.lag, '') || CASE WHEN s.late THEN ' late' ELSE '' END, ', ' ORDER BY s.step) || coalesce(p.reason, '')
		FROM lem_parent_order AS p LEFT JOIN lem_child_slice AS s ON s.order_id = p.id GROUP BY p.id, p.model, p.ord, p.reason
		HAVING array_agg(s.ts ORDER BY s.step) IS DISTINCT FROM bar OR bool_or(s.late) OR max(s.lag) > interval '5 seconds' OR ((p.ord).start_ts IS NOT NULL AND min(s.lag) FILTER (WHERE s.step = 1) > interval '0'
			-- where a session follows another at once, its last bar ends with the opening
			AND NOT EXISTS (SELECT FROM bars WHERE series = o.market AND ts >= o.opens - o.step AND ts < o.opens));
		DELETE FROM lem_parent_order;
	END LOOP;
END
$$;
