/* kernels_avx2.c: the kernels for processors with AVX2 and FMA. */
#if defined(__x86_64__) && defined(__AVX2__) && !defined(LEM_REAL_DOUBLE)
#include <immintrin.h>

#include "base/real.h"

/* All bits of the first n of 8 lanes. */
static inline __m256i
first_lanes(size_t n)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32((int) n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline __m256
load_part_avx2(const lem_real *p, size_t n, lem_real fill)
{
	const __m256i there = first_lanes(n);

	return _mm256_blendv_ps(_mm256_set1_ps(fill), _mm256_maskload_ps(p, there),
							_mm256_castsi256_ps(there));
}

static inline lem_real
sum_avx2(__m256 v)
{
	__m128		x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

	x = _mm_add_ps(x, _mm_movehl_ps(x, x));
	return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}

static inline lem_real
largest_avx2(__m256 v)
{
	__m128		x = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

	x = _mm_max_ps(x, _mm_movehl_ps(x, x));
	return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}

#define ISA_LOAD_PART(p, n, fill) ((vec) load_part_avx2(p, n, fill))
#define ISA_STORE_PART(p, v, n) _mm256_maskstore_ps(p, first_lanes(n), (__m256) (v))
#define ISA_SUM(v) sum_avx2((__m256) (v))
#define ISA_LARGEST(v) largest_avx2((__m256) (v))
#define ISA_MIN(a, b) ((vec) _mm256_min_ps((__m256) (a), (__m256) (b)))
#define ISA_MAX(a, b) ((vec) _mm256_max_ps((__m256) (a), (__m256) (b)))
#define KERNELS_NAME "avx2"
#define KERNELS_TABLE lem_kernels_avx2
#define LANES 8
#define TILE_ROWS 6
#define TILE_COLUMNS LEM_VECTOR
#include "kernels/kernels_impl.h"
#else
typedef int lem_kernels_avx2_not_built;
#endif
