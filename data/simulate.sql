-- simulate.sql: market bars out of nothing, for demos and tests.
--
--   SELECT * FROM simulate_bars('ALPHA', days => 60);
--
-- A symbol's bars are made from its name alone: the numbers come from md5 hashes of the name and
-- the position, so every call gives the same bars, whatever setseed() or other sessions do.
--
-- The price is a geometric random walk, six steps a bar.  Its volatility comes in clusters: the
-- logarithm of each bar's volatility is a slow first-order autoregression around the average.
-- Volume follows a daily profile (highest at 14:00 UTC, a third of that at 02:00), is lower on
-- weekends, grows with volatility, and is noisy.  Returns cannot be predicted, so that no schedule
-- can beat the market here but by luck; volume can.

-- A standard normal number that belongs to a key (Box-Muller on two 48-bit pieces of its hash).
CREATE FUNCTION simulate_normal(key text) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
	SELECT sqrt(-2 * ln((('x' || substr(hash, 1, 12))::bit(48)::bigint + 0.5) / 281474976710656.0))
		* cos(2 * pi() * ('x' || substr(hash, 13, 12))::bit(48)::bigint / 281474976710656.0)
	FROM md5(key) AS hash
$$;

-- Bars of one symbol: ts is the start of a bar, and the bar's VWAP is notional / volume.
-- The averages asked for are those of a day: standard deviation of the return, and volume.
CREATE FUNCTION simulate_bars(symbol text, days int DEFAULT 60, bar interval DEFAULT '1 hour',
							  first_ts timestamptz DEFAULT '2026-01-01 00:00+00',
							  first_price float8 DEFAULT 100, daily_volatility float8 DEFAULT 0.03,
							  daily_volume float8 DEFAULT 1000000)
RETURNS TABLE (ts timestamptz, open float8, high float8, low float8, close float8,
			   volume float8, notional float8)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
	steps CONSTANT int := 6;
	memory CONSTANT float8 := 0.97;		-- of the log volatility, from bar to bar
	spread CONSTANT float8 := 0.5;		-- standard deviation of the log volatility
	per_day CONSTANT float8 := extract(epoch FROM interval '1 day') / extract(epoch FROM bar);
	bars CONSTANT int := floor(days * per_day);
	level float8 := 0;					-- log volatility against its average
	last float8 := first_price;
	scale float8;
	activity float8;
	hour float8;
	moved float8;
	lots float8;
BEGIN
	FOR i IN 0 .. bars - 1 LOOP
		ts := (first_ts AT TIME ZONE 'UTC' + i * bar) AT TIME ZONE 'UTC';
		level := memory * level
			+ spread * sqrt(1 - memory ^ 2) * simulate_normal(symbol || ' volatility ' || i);
		scale := daily_volatility / sqrt(per_day * steps) * exp(level - spread ^ 2);
		hour := extract(epoch FROM (ts AT TIME ZONE 'UTC')::time) / 3600;
		activity := daily_volume / (per_day * steps) * (1 + 0.5 * cos(2 * pi() * (hour - 14) / 24))
			* CASE WHEN extract(isodow FROM ts AT TIME ZONE 'UTC') > 5 THEN 0.7 ELSE 1.12 END
			* exp(0.5 * level - spread ^ 2 / 8);
		open := last;
		high := last;
		low := last;
		volume := 0;
		notional := 0;
		FOR j IN 1 .. steps LOOP
			moved := last * exp(scale * simulate_normal(symbol || ' price ' || i || ' ' || j)
								- scale ^ 2 / 2);
			lots := activity
				* exp(0.4 * simulate_normal(symbol || ' volume ' || i || ' ' || j) - 0.08);
			high := greatest(high, moved);
			low := least(low, moved);
			volume := volume + lots;
			notional := notional + lots * (last + moved) / 2;
			last := moved;
		END LOOP;
		close := last;
		RETURN NEXT;
	END LOOP;
END
$$;
