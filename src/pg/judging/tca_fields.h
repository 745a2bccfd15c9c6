/*
 * tca_fields.h: the fields of the types lem_tca_report and lem_tca_summary, and rows in the making.
 */
#ifndef LEM_PG_TCA_FIELDS_H
#define LEM_PG_TCA_FIELDS_H

#include "postgres.h"

#include "core/judging/tca.h"

/* Fields of the type lem_tca_report; those of 1.0 come first. */
enum
{
	REPORT_SIDE,
	REPORT_UNIT,
	REPORT_BENCHMARK,
	REPORT_SIZE,
	REPORT_START_TS,
	REPORT_FIRST_FILL,
	REPORT_LAST_FILL,
	REPORT_DURATION,
	REPORT_BARS,
	REPORT_FILLS,
	REPORT_QUANTITY,
	REPORT_NOTIONAL,
	REPORT_UNFILLED,
	REPORT_FILL_RATE,
	REPORT_MARKET_VOLUME,
	REPORT_PARTICIPATION,
	REPORT_ACHIEVED,
	REPORT_PRICE,
	REPORT_BEGIN_PRICE = REPORT_PRICE + LEM_REFERENCES,
	REPORT_END_PRICE,
	REPORT_BPS,
	REPORT_COST = REPORT_BPS + LEM_REFERENCES,
	REPORT_PART_COST = REPORT_COST + LEM_REFERENCES,
	REPORT_PART_BPS = REPORT_PART_COST + LEM_SHORTFALL_PARTS,
	REPORT_ADVANTAGE = REPORT_PART_BPS + LEM_SHORTFALL_PARTS,
	REPORT_MARKOUTS,
	REPORT_FIELDS_1_0,
	REPORT_FEES = REPORT_FIELDS_1_0,
	REPORT_FEES_BPS,
	REPORT_TOTAL_COST,
	REPORT_TOTAL_BPS,
	REPORT_FIELDS
};

/* Fields of the type lem_tca_summary. */
enum
{
	SUMMARY_WEIGHT,
	SUMMARY_ORDERS,
	SUMMARY_FILLED_ORDERS,
	SUMMARY_FILLS,
	SUMMARY_QUANTITY,
	SUMMARY_NOTIONAL,
	SUMMARY_UNFILLED,
	SUMMARY_FILL_RATE,
	SUMMARY_MARKET_VOLUME,
	SUMMARY_PARTICIPATION,
	SUMMARY_DURATION,
	SUMMARY_BPS,
	SUMMARY_COST = SUMMARY_BPS + LEM_REFERENCES,
	SUMMARY_PART_COST = SUMMARY_COST + LEM_REFERENCES,
	SUMMARY_PART_BPS = SUMMARY_PART_COST + LEM_SHORTFALL_PARTS,
	SUMMARY_ADVANTAGE = SUMMARY_PART_BPS + LEM_SHORTFALL_PARTS,
	SUMMARY_WIN_RATE,
	SUMMARY_MARKOUTS,
	SUMMARY_FIELDS_1_0,
	SUMMARY_FEES = SUMMARY_FIELDS_1_0,
	SUMMARY_FEES_BPS,
	SUMMARY_TOTAL_COST,
	SUMMARY_TOTAL_BPS,
	SUMMARY_FIELDS
};

/* A row in the making: all NULL at first. */
typedef struct lem_row
{
	Datum	   *values;
	bool	   *nulls;
} lem_row;

extern void lem_row_put(lem_row *row, int field, Datum value);
/* Numbers, each NULL if it is not known (NaN). */
extern void lem_row_number(lem_row *row, int field, double x);
extern void lem_row_numbers(lem_row *row, int field, const double *x, int n);
/* n > 0 numbers as a float8[]. */
extern void lem_row_array(lem_row *row, int field, const double *x, int n);

#endif
