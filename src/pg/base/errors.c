/* errors.c: the words, SQLSTATE and HINT of everything that the core finds wrong. */
#include "postgres.h"

#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "pg/base/errors.h"

void
lem_refuse_null(bool is_null, const char *what)
{
	if (is_null)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", what)));
}

/* A number in the fewest digits that give it back, whatever extra_float_digits says; palloc'd. */
char *
lem_number_text(double x)
{
	char	   *text = palloc(DOUBLE_SHORTEST_DECIMAL_LEN);

	(void) double_to_shortest_decimal_buf(x, text);
	return text;
}

/* Bytes of a text that messages show. */
#define CLIP_LENGTH 100

char *
lem_clip_text(const char *text)
{
	int			length = (int) strlen(text);

	if (length <= CLIP_LENGTH)
		return pstrdup(text);
	return psprintf("%.*s...", pg_mbcliplen(text, length, CLIP_LENGTH), text);
}

/* A shape as [5, 8, 15, 5]; palloc'd. */
static char *
shape_text(int dims, const int64_t *shape)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '[');
	for (int i = 0; i < dims && i < LEM_MAX_DIMS; i++)
		appendStringInfo(&text, "%s" INT64_FORMAT, i > 0 ? ", " : "", (int64) shape[i]);
	appendStringInfoChar(&text, ']');
	return text.data;
}

/* Faults of bars. */
static void
raise_bars(const lem_fault *fault, const char *have, const char *want)
{
	switch (fault->status)
	{
		case LEM_BAD_PRICE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("invalid price %s at %s", have, timestamptz_to_str(fault->ts)),
					 errdetail("A price must be finite and greater than zero."),
					 errhint("It can be left out by making its price NULL.")));
			break;
		case LEM_BAD_VOLUME:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("invalid volume %s at %s", have, timestamptz_to_str(fault->ts)),
					 errdetail("A volume must be finite and not negative."),
					 errhint("It can be left out by making its volume NULL.")));
			break;
		case LEM_BAD_FEATURE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("invalid value %s of feature %lld at %s", have,
							(long long) fault->index + 1, timestamptz_to_str(fault->ts)),
					 errdetail("A feature must be finite.")));
			break;
		case LEM_BAD_CLOSE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("invalid close %s at %s", have, timestamptz_to_str(fault->ts)),
					 errdetail("A close must be finite and greater than zero.")));
			break;
		case LEM_BAD_RANGE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("invalid high %s and low %s at %s", have, want,
							timestamptz_to_str(fault->ts)),
					 errdetail("They must be finite and greater than zero, and the high not below "
							   "the low.")));
			break;
		case LEM_NO_CLOSES:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_CONFIG),
					 errmsg("the bars have no closes"),
					 errhint("Pass each bar's close after its volume.")));
			break;
		case LEM_NO_RANGES:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_CONFIG),
					 errmsg("the bars have no highs and lows"),
					 errhint("Make the bars of lem_trade_bar, which has them.")));
			break;
		case LEM_DUPLICATE_TIME:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_DUPLICATE_TIME),
					 errmsg("more than one bar at %s", timestamptz_to_str(fault->ts)),
					 errhint("Pass the bars of one series: filter or group by the symbol.")));
			break;
		case LEM_NO_BARS:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_NO_BARS),
					 errmsg("there are no bars"),
					 errdetail("Bars with a NULL time, price or volume do not count."),
					 errhint("Check the WHERE clause of the query over the bars.")));
			break;
		case LEM_SHORT_HISTORY:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_SHORT_HISTORY),
					 errmsg("the order has %s completed bars before its start, but the model "
							"needs %s",
							have, want),
					 errhint("Pass more history, or start the order later.")));
			break;
		case LEM_MISSING_BARS:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_MISSING_BARS),
					 errmsg("missing bars: %s, the first at %s", have,
							timestamptz_to_str(fault->ts)),
					 errhint("Fill the gaps, or use a model whose config has \"gaps\" \"carry\" "
							 "or \"skip\".")));
			break;
		case LEM_NO_INTERVAL:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_MISSING_BARS),
					 errmsg("the interval between bars cannot be determined"),
					 errhint("Pass at least two bars, or use a model whose config has a "
							 "\"bar_interval\".")));
			break;
		case LEM_FEATURE_COUNT:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_CONFIG),
					 errmsg("the bars have %s extra features, but the model takes %s", have, want),
					 fault->want > 0 ?
					 errhint("Pass them as a float8[] after the volume.") :
					 errhint("Leave out the features argument.")));
			break;
		case LEM_TIME_RANGE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_MISSING_BARS),
					 errmsg("the bars, or the schedule after them, reach beyond the range of "
							"timestamps"),
					 errhint("Check the times of the bars and the start of the order.")));
			break;
		case LEM_OVERFLOW:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("value out of range: overflow"),
					 errhint("Check for prices or volumes that are far too large.")));
			break;
		default:
			break;
	}
}

/* Faults of books, and of prices that have a name. */
static void
raise_books(const lem_fault *fault, const char *have, const char *want)
{
	switch (fault->status)
	{
		case LEM_BAD_PRICE:
			if (fault->name[0] != '\0')
				ereport(ERROR,
						(errcode(ERRCODE_LEM_BAD_BAR),
						 errmsg("invalid %s %s at %s", fault->name, have,
								timestamptz_to_str(fault->ts)),
						 errdetail("A price must be finite and greater than zero.")));
			break;
		case LEM_BOOK_CROSSED:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("crossed quotes at %s: bid %s is above ask %s",
							timestamptz_to_str(fault->ts), have, want),
					 errhint("Leave the bar out, or take the quotes that were valid last.")));
			break;
		case LEM_BOOK_BAD_SIZE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("invalid %s %s at %s", fault->name, have,
							timestamptz_to_str(fault->ts)),
					 errdetail("A size must be finite and not negative.")));
			break;
		case LEM_BOOK_BAD_RANGE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("%s %s at %s is %s", fault->name, have,
							timestamptz_to_str(fault->ts),
							fault->have < fault->want ?
							psprintf("below the low %s", want) :
							psprintf("above the high %s", want)),
					 errdetail("Open and close must lie within low and high.")));
			break;
		case LEM_BOOK_BAD_BUYS:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_BAD_BAR),
					 errmsg("invalid buy_volume %s at %s", have, timestamptz_to_str(fault->ts)),
					 errdetail("It is the part of the volume %s that takers bought.", want)));
			break;
		default:
			break;
	}
}

/* Faults of orders. */
static void
raise_orders(const lem_fault *fault, const char *have, const char *want)
{
	switch (fault->status)
	{
		case LEM_BAD_SIZE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_ORDER),
					 errmsg("invalid order size %s", have),
					 errdetail("A size must be finite and greater than zero."),
					 fault->have < 0 ?
					 errhint("The direction of an order is its side, \"buy\" or \"sell\".") : 0));
			break;
		case LEM_BAD_RATES:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INFEASIBLE_ORDER),
					 errmsg("invalid rates: min_rate %s, max_rate %s", have, want),
					 errdetail("Rates are shares of the order in one bar: 0 <= min_rate <= "
							   "max_rate <= 1, and max_rate > 0.")));
			break;
		case LEM_BAD_MIN_BARS:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INFEASIBLE_ORDER),
					 errmsg("min_bars %s is out of range", have),
					 errdetail("The order can use 1 to %s bars.", want),
					 errhint("Leave min_bars NULL to use all bars and track the benchmark.")));
			break;
		case LEM_BAD_MAX_BARS:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INFEASIBLE_ORDER),
					 errmsg("max_bars %s is out of range", have),
					 errdetail("It must be between 1 and %s.", want),
					 errhint("Leave max_bars NULL to use all bars that the model plans for.")));
			break;
		case LEM_MAX_RATE_INFEASIBLE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INFEASIBLE_ORDER),
					 errmsg("max_rate %s is too small to complete the order in %lld bars", have,
							(long long) fault->index),
					 errhint("Raise max_rate to at least 1 / max_bars, or allow more bars.")));
			break;
		case LEM_MIN_RATE_INFEASIBLE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INFEASIBLE_ORDER),
					 errmsg("min_rate %s is too large for an order that stays active for %lld bars",
							have, (long long) fault->index),
					 errhint("Lower min_rate to at most 1 / min_bars (1 / max_bars where min_bars "
							 "is NULL), or min_bars.")));
			break;
		case LEM_RATES_INFEASIBLE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INFEASIBLE_ORDER),
					 errmsg("no number of bars completes the order with min_rate %s and max_rate "
							"%s",
							have, want),
					 errhint("Widen the range between min_rate and max_rate.")));
			break;
		case LEM_BAD_LOT:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INFEASIBLE_ORDER),
					 errmsg("invalid lot %s", have),
					 errdetail("A lot must be finite and greater than zero, and an order is at most "
							   "2^53 lots."),
					 errhint("Leave lot NULL for an order without lots.")));
			break;
		case LEM_SIZE_NOT_LOTS:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INFEASIBLE_ORDER),
					 errmsg("order size %s is not a whole number of lots of %s", have, want),
					 errhint("Round the size to a multiple of the lot.")));
			break;
		default:
			break;
	}
}

/* Faults of what the market lets an order do, and of what was executed of it. */
static void
raise_bounds(const lem_fault *fault, const char *have, const char *want)
{
	switch (fault->status)
	{
		case LEM_BAD_LIMIT_PRICE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_ORDER),
					 errmsg("invalid limit price %s", have),
					 errhint("Leave limit_price NULL for an order at any price.")));
			break;
		case LEM_BAD_PARTICIPATION:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INFEASIBLE_ORDER),
					 errmsg("invalid max_participation %s", have),
					 errdetail("It is a share of a bar's volume: greater than 0, and at most 1."),
					 errhint("Leave max_participation NULL for no such limit.")));
			break;
		case LEM_BAD_MIN_QUANTITY:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INFEASIBLE_ORDER),
					 errmsg("invalid min_quantity %s", have),
					 errdetail("The smallest slice is greater than 0, and at most the size, %s.",
							   want)));
			break;
		case LEM_MIN_QUANTITY_INFEASIBLE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INFEASIBLE_ORDER),
					 errmsg("min_quantity %s is more than max_rate %s lets a slice be", have, want),
					 errhint("Lower min_quantity to at most max_rate times the size.")));
			break;
		case LEM_BAD_ARRIVAL:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_ORDER),
					 errmsg("invalid arrival price %s", have),
					 errdetail("It must be finite.")));
			break;
		case LEM_BAD_RISK:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_ORDER),
					 errmsg("invalid risk aversion %s", have),
					 errdetail("It must be finite, and not negative.")));
			break;
		case LEM_END_INFEASIBLE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INFEASIBLE_ORDER),
					 errmsg("no bar of the order ends by its end, %s",
							timestamptz_to_str(fault->ts)),
					 errhint("A slice trades in a whole bar: end_ts must be at least a bar after "
							 "the order's start.")));
			break;
		case LEM_PARTICIPATION_INFEASIBLE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INFEASIBLE_ORDER),
					 errmsg("the bars that are expected can take %s of the order at most", have),
					 errdetail("Its max_participation is %s of a bar's volume.", want),
					 errhint("Raise max_participation, allow more bars, or set best_effort to do "
							 "what fits and leave the rest unallocated.")));
			break;
		case LEM_BAD_EXECUTED:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_ORDER),
					 errmsg("invalid quantity %s executed in bar %lld of the order", have,
							(long long) fault->index + 1),
					 errdetail("It must be finite, and not negative.")));
			break;
		case LEM_EXECUTED_COUNT:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_ORDER),
					 errmsg("%s executed quantities, but %s bars of the order have completed", have,
							want),
					 errhint("Give one for each completed bar from the order's start_ts on.")));
			break;
		default:
			break;
	}
}

/* Faults of configs and of files of weights. */
static void
raise_models(const lem_fault *fault, const char *have, const char *want)
{
	switch (fault->status)
	{
		case LEM_CONFIG_RANGE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_CONFIG),
					 errmsg("config key \"%s\" is out of range: %s", fault->name, have),
					 errhint("The nearest value that is allowed is %s.", want)));
			break;
		case LEM_CONFIG_HEADS:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_INVALID_CONFIG),
					 errmsg("hidden_size %s is not a multiple of num_heads %s", have, want)));
			break;
		case LEM_CONFIG_TOO_LARGE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_MODEL_TOO_LARGE),
					 errmsg("the config asks for a model of %s parameters, the limit is %s",
							have, want),
					 errhint("Lower hidden_size, n_ahead or fused_mlp_hidden_dim, or use shared "
							 "heads.")));
			break;
		case LEM_FILE_TRUNCATED:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_DAMAGED_FILE),
					 errmsg("the weights are truncated: %s bytes where %s are needed", have, want)));
			break;
		case LEM_FILE_HEADER:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_DAMAGED_FILE),
					 errmsg("the weights do not have a valid safetensors header"),
					 errdetail("The header's length is given as %s bytes; %s are possible.", have, want)));
			break;
		case LEM_TENSOR_MISSING:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_TENSOR_MISMATCH),
					 errmsg("tensor \"%s\" is missing", fault->name),
					 errdetail("The config asks for shape %s.",
							   shape_text(fault->want_dims, fault->want_shape)),
					 errhint("Check that the config is the one that the weights were trained "
							 "with.")));
			break;
		case LEM_TENSOR_UNKNOWN:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_TENSOR_MISMATCH),
					 errmsg("tensor \"%s\" is not part of the model that the config describes",
							fault->name),
					 errhint("Check that the config is the one that the weights were trained "
							 "with.")));
			break;
		case LEM_TENSOR_DUPLICATE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_DAMAGED_FILE),
					 errmsg("tensor \"%s\" occurs twice", fault->name)));
			break;
		case LEM_TENSOR_SHAPE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_TENSOR_MISMATCH),
					 errmsg("tensor \"%s\" has shape %s, but the config asks for %s", fault->name,
							shape_text(fault->have_dims, fault->have_shape),
							shape_text(fault->want_dims, fault->want_shape)),
					 errhint("Check that the config is the one that the weights were trained "
							 "with.")));
			break;
		case LEM_TENSOR_TYPE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_TENSOR_MISMATCH),
					 errmsg("tensor \"%s\" has a number type that is not supported", fault->name),
					 errhint("Supported types are F32, F16, BF16 and F64.")));
			break;
		case LEM_TENSOR_RANGE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_DAMAGED_FILE),
					 errmsg("the data of tensor \"%s\" lie outside the file or do not fit its "
							"shape",
							fault->name)));
			break;
		case LEM_TENSOR_HOLE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_DAMAGED_FILE),
					 errmsg("the weights have data that belong to no tensor, from byte %s", have)));
			break;
		case LEM_TENSOR_NOT_FINITE:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_NOT_FINITE),
					 errmsg("number %lld of tensor \"%s\" is %s", (long long) fault->index + 1,
							fault->name, have),
					 errdetail("All weights must be finite.")));
			break;
		case LEM_TENSOR_GRID:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_TENSOR_MISMATCH),
					 errmsg("knot %lld of tensor \"%s\" is %s, but the config asks for %s",
							(long long) fault->index + 1, fault->name, have, want),
					 errhint("Check the splines that the config's sub_kan describes.")));
			break;
		case LEM_TENSOR_OVERFLOW:
			ereport(ERROR,
					(errcode(ERRCODE_LEM_NOT_FINITE),
					 errmsg("number %lld of tensor \"%s\" is %s, too large for the storage that "
							"the config asks for",
							(long long) fault->index + 1, fault->name, have),
					 errhint("Use a config with \"storage\" \"float32\", or \"bfloat16\", which "
							 "reaches as far.")));
			break;
		default:
			break;
	}
}

void
lem_pg_raise(const lem_fault *fault)
{
	const char *have = lem_number_text(fault->have);
	const char *want = lem_number_text(fault->want);

	if (fault->status == LEM_STOPPED)
	{
		CHECK_FOR_INTERRUPTS();
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED),
				 errmsg("the computation was stopped")));
	}
	raise_books(fault, have, want);
	raise_bars(fault, have, want);
	raise_orders(fault, have, want);
	raise_bounds(fault, have, want);
	raise_models(fault, have, want);
	elog(ERROR, "lem: internal error: status %d", (int) fault->status);
	pg_unreachable();
}
