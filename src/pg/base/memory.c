/*
 * memory.c: large blocks of memory.
 *
 * Fresh memory comes from the system page by page, each when it is first written: for models of tens
 * of megabytes that takes longer than copying them.  In pages of 2 MB it is a fraction.
 */
#include "postgres.h"

#include <sys/mman.h>

#include "storage/shmem.h"
#include "utils/memutils.h"

#include "core/base/arena.h"
#include "pg/base/memory.h"

#define HUGE_PAGE ((Size) 2 << 20)

void
lem_advise_huge(void *block, Size bytes)
{
#ifdef MADV_HUGEPAGE
	const uintptr_t first = TYPEALIGN(HUGE_PAGE, (uintptr_t) block);
	const uintptr_t end = TYPEALIGN_DOWN(HUGE_PAGE, (uintptr_t) block + bytes);

	if (end > first)
		(void) madvise((void *) first, end - first, MADV_HUGEPAGE);
#else
	(void) block;
	(void) bytes;
#endif
}

void *
lem_alloc_aligned(MemoryContext context, Size bytes)
{
	const Size	align = bytes >= HUGE_PAGE ? HUGE_PAGE : LEM_ALIGN;
	void	   *block = MemoryContextAllocHuge(context, add_size(bytes, align));

	block = (void *) TYPEALIGN(align, block);
	lem_advise_huge(block, bytes);
	return block;
}
