/* work_late.c: the bars that slices which were late are traded in on paper. */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/orders/work_due.h"
#include "pg/orders/work_late.h"

/* Find the bars of n slices of one series. */
static void
find_bars(lem_work_bars *bars, const lem_active_series *series, lem_late_slice *slices, int n)
{
	TimestampTz *told = palloc(n * sizeof(TimestampTz));
	lem_work_bar *found = palloc(n * sizeof(lem_work_bar));

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < n; i++)
		told[i] = slices[i].told;
	lem_work_bars_from(bars, series->name, series->last, n, told, found);
	for (int i = 0; i < n; i++)
	{
		slices[i].ts = found[i].ts;
		slices[i].price = found[i].price;
		slices[i].volume = found[i].volume;
	}
	pfree(told);
	pfree(found);
}

void
lem_work_late(const lem_worker *worker, lem_work_bars *bars)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lem late slices",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);
	int			n;
	lem_late_slice *slices = lem_work_late_list(worker, &n);
	lem_active_series *series = palloc0(Max(n, 1) * sizeof(lem_active_series));
	const char **names = palloc(Max(n, 1) * sizeof(char *));
	TimestampTz *last = palloc(Max(n, 1) * sizeof(TimestampTz));
	int			n_series = 0;
	int			asked = 0;

	/* Series of which a bar has come since a slice was told: seen is when the first one was. */
	for (int i = 0; i < n; i++)
	{
		if (n_series == 0 || strcmp(names[n_series - 1], slices[i].series) != 0)
		{
			series[n_series].seen = DT_NOEND;
			names[n_series++] = slices[i].series;
		}
		series[n_series - 1].seen = Min(series[n_series - 1].seen, slices[i].told);
	}
	if (n > 0)
		lem_work_bars_last(bars, n_series, names, NULL, worker->now, last);
	for (int i = 0; i < n_series; i++)
	{
		if (last[i] < series[i].seen)
			continue;
		series[asked].seen = series[i].seen;
		series[asked++].name = names[i];
	}
	lem_work_find_ended(worker, bars, series, asked);
	for (int i = 0, s = 0; s < asked; s++)
	{
		int			count = 0;

		while (strcmp(slices[i].series, series[s].name) != 0)
			i++;
		while (i + count < n && strcmp(slices[i + count].series, series[s].name) == 0)
			count++;
		if (series[s].last >= series[s].seen)
			find_bars(bars, &series[s], slices + i, count);
		i += count;
	}
	lem_work_late_save(worker, slices, n);
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
}
