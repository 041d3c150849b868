#include "lib/lib_common.h"

/*
 * What a compressor did: so many bytes as literals (bits 0 to 8), then a match of `length` bytes (3 more than bits 9 to 16) that
 * stand `offset` bytes before (1 more than bits 17 to 31). 511 literals have no match behind them.
 */
typedef u32 hint_t;

#define MOST_LITERALS	511

static forceinline hint_t
pack_hint(u32 literals, u32 length, u32 offset)
{
	return literals | (length - 3) << 9 | (offset - 1) << 17;
}

static forceinline u32
hint_literals(hint_t hint)
{
	return hint & MOST_LITERALS;
}

static forceinline u32
hint_length(hint_t hint)
{
	return hint_literals(hint) == MOST_LITERALS ? 0 : (hint >> 9 & 0xff) + 3;
}

static forceinline u32
hint_offset(hint_t hint)
{
	return (hint >> 17) + 1;
}
