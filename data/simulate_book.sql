-- simulate_book.sql: book bars out of nothing, in which there is something to know.  Needs data/simulate.sql.
--
--   SELECT * FROM simulate_book('ALPHA', days => 3);
--
-- A bar a second from 14:30 UTC on, each day.  As in simulate.sql the numbers come from the symbol's name alone.
--
-- The sizes lead the mid: with b = (bid size - ask size) / (bid size + ask size), uniform between -1 and 1, the
-- next bar's move is (lead b + a standard normal number) ticks, so that a forecast of it has at most the skill
-- lead^2 / (lead^2 + 3).  The spread comes in clusters (a slow autoregression), as does volume, which is high at the
-- beginning of a day.
CREATE FUNCTION simulate_book(symbol text, days int DEFAULT 3, bars int DEFAULT 600, lead float8 DEFAULT 1,
							  tick float8 DEFAULT 0.01, first_price float8 DEFAULT 100)
RETURNS TABLE (ts timestamptz, bid float8, ask float8, bid_size float8, ask_size float8, open float8, high float8,
			   low float8, close float8, volume float8)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
	mid float8 := first_price;
	before float8;
	imbalance float8 := 0;
	wide float8 := 0;					-- log of the spread against its average
	busy float8 := 0;					-- and of the volume
	ticks float8;
	key text;
BEGIN
	FOR day IN 0 .. days - 1 LOOP
		FOR bar IN 0 .. bars - 1 LOOP
			key := symbol || ' ' || day || ' ' || bar;
			ts := timestamptz '2026-01-05 14:30+00' + day * interval '1 day' + bar * interval '1 second';
			before := mid;
			mid := mid + tick * (lead * imbalance + simulate_normal(key || ' move'));
			imbalance := (('x' || substr(md5(key || ' sizes'), 1, 8))::bit(32)::bigint + 0.5) / 2147483648.0 - 1;
			wide := 0.9 * wide + 0.25 * simulate_normal(key || ' spread');
			busy := 0.8 * busy + 0.3 * simulate_normal(key || ' volume');
			ticks := greatest(round(2.5 * exp(wide)), 1);
			bid := round((mid / tick - ticks / 2)::numeric) * tick;
			ask := bid + ticks * tick;
			bid_size := 100 * (1 + imbalance);
			ask_size := 100 * (1 - imbalance);
			open := before;
			close := mid;
			high := greatest(before, mid) + tick * (1 + abs(simulate_normal(key || ' high')));
			low := least(before, mid) - tick * (1 + abs(simulate_normal(key || ' low')));
			volume := round(1000 * exp(busy) * (1 + exp(- bar / 120.0)));
			RETURN NEXT;
		END LOOP;
	END LOOP;
END
$$;
