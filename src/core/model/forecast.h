/*
 * forecast.h: what models of market making forecast: of windows, by a trunk and its quantile heads, or by
 * a mixture of students.
 */
#ifndef LEM_FORECAST_H
#define LEM_FORECAST_H

#include "model/model.h"

/*
 * Forecasts of a model with quantile heads: out (n x 9) from rows (n x T x C).  Its workspace in bytes
 * (64-byte aligned).  LEM_OK or LEM_STOPPED.
 */
extern size_t lem_forecast_workspace(const lem_model *model, int n);
extern lem_status lem_forecast(const lem_model *model, int n, const lem_real *rows,
							   void *workspace, const lem_stop *stop, lem_real *out);

/*
 * Forecasts of a mixture: out (n x 9) as of lem_forecast(), from rows (n x T x C) and the volatility
 * (n) that regimes are told by.  weights (n x T x M) and shares (n x R) may be NULL.  The workspace
 * in bytes (64-byte aligned).  LEM_OK or LEM_STOPPED.
 */
extern size_t lem_experts_workspace(const lem_model *model, int n);
extern lem_status lem_experts_forecast(const lem_model *model, int n, const lem_real *rows,
									   const double *volatility, void *workspace,
									   const lem_stop *stop, lem_real *out, double *weights,
									   double *shares);

#endif
