/* kernels_avx512.c: the kernels for processors with AVX-512 (F, BW, DQ, VL). */
#if defined(__x86_64__) && defined(__AVX512F__) && !defined(LEM_REAL_DOUBLE)
#include <immintrin.h>

#include "base/real.h"

/* Vectors of C have no way to write some of their numbers side by side; this instruction set has. */
static inline int
list_nonzeros_avx512(const lem_real *x, int first, int count, int *list)
{
	__m512i		number = _mm512_add_epi32(_mm512_set1_epi32(first),
										  _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
															12, 13, 14, 15));
	int			found = 0;

	for (int i = 0; i < count; i += 16)
	{
		const __mmask16 there = count - i < 16 ? (__mmask16) ((1u << (count - i)) - 1) : 0xffff;
		const __m512 v = _mm512_maskz_loadu_ps(there, x + first + i);
		const __mmask16 keep = _mm512_mask_cmp_ps_mask(there, v, _mm512_setzero_ps(),
													   _CMP_NEQ_UQ);

		_mm512_storeu_si512(list + found, _mm512_maskz_compress_epi32(keep, number));
		found += __builtin_popcount(keep);
		number = _mm512_add_epi32(number, _mm512_set1_epi32(16));
	}
	return found;
}

static inline __mmask16
first_lanes(size_t n)
{
	return (__mmask16) ((1u << n) - 1);
}

#define ISA_LIST_NONZEROS list_nonzeros_avx512
#define ISA_LOAD_PART(p, n, fill) \
	((vec) _mm512_mask_loadu_ps(_mm512_set1_ps(fill), first_lanes(n), p))
#define ISA_STORE_PART(p, v, n) _mm512_mask_storeu_ps(p, first_lanes(n), (__m512) (v))
#define ISA_SUM(v) _mm512_reduce_add_ps((__m512) (v))
#define ISA_LARGEST(v) _mm512_reduce_max_ps((__m512) (v))
#define ISA_MIN(a, b) ((vec) _mm512_min_ps((__m512) (a), (__m512) (b)))
#define ISA_MAX(a, b) ((vec) _mm512_max_ps((__m512) (a), (__m512) (b)))
#define ISA_SCALE(x, n) ((vec) _mm512_scalef_ps((__m512) (x), (__m512) (n)))
#define KERNELS_NAME "avx512"
#define KERNELS_TABLE lem_kernels_avx512
#define LANES 16
#define TILE_ROWS 8
#define TILE_COLUMNS LEM_PANEL
#include "kernels/kernels_impl.h"
#else
typedef int lem_kernels_avx512_not_built;
#endif
