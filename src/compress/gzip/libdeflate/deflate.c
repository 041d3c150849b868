/*
 * libdeflate's compressor as a WebAssembly module without a C library. `npm run modules` builds it.
 * One thread of WebAssembly has one instance, which compresses one input after the other.
 */
#include "lib/deflate_constants.h"

/* As deflate_compress.c has it. */
#define MATCHFINDER_WINDOW_ORDER	DEFLATE_WINDOW_ORDER
#include "lib/matchfinder_common.h"

/*
 * libdeflate rebases 256 KiB of match finder tables after every 32 KiB of input and expects the compiler to use
 * vectors for it. WebAssembly's vectors need SSE4.1, which the default processors of some hypervisors lack. Four
 * entries in each 64-bit word are as fast: 58 MB/s at level 6, against 51 with the loop of libdeflate and 59 with
 * vectors. The result is the same as that of libdeflate's loop: subtraction of 32768 that stops at -32768.
 */
typedef u64 __attribute__((may_alias)) entries;

static forceinline void
rebase_entries(mf_pos_t *data, size_t size)
{
	entries *at = (entries *)data;
	entries *end = at + size / sizeof(*at);

	for (; at != end; at++) {
		u64 negative = (*at >> 15) & 0x0001000100010001;

		*at = 0x8000800080008000 | (*at & ~((negative << 16) - negative));
	}
}

#define matchfinder_rebase rebase_entries

#include "lib/utils.c"
#include "lib/deflate_compress.c"
#include "hint.h"

#define PAGE ((size_t)65536)
#define EXPORT(name) __attribute__((export_name(#name)))

/* The linker puts it behind the data and the stack: from here on the memory is ours. */
extern u8 __heap_base;

/* From __heap_base to `top`: the compressor, then the input, then the output. */
static size_t top;

static void *
allocate(size_t size)
{
	size_t start = ALIGN(top, (size_t)16);
	size_t present = (size_t)__builtin_wasm_memory_size(0) * PAGE;

	if (size > SIZE_MAX - PAGE - start)
		return NULL;
	if (start + size > present &&
	    __builtin_wasm_memory_grow(0, DIV_ROUND_UP(start + size - present, PAGE)) == SIZE_MAX)
		return NULL;
	top = start + size;
	return (void *)start;
}

/* Everything is released at once, by setting `top` back. */
static void
release(void *pointer)
{
}

static struct libdeflate_compressor *compressor;
static int compressor_level;
static size_t compressor_end;
static u8 *input;
static u8 *output;
static hint_t *hints;
static const hint_t *hints_end;

/* Returns where `length` bytes to be compressed at `level` (1 to 9) belong, or 0 without memory for them. */
EXPORT(reserve) u8 *
reserve(int level, size_t length)
{
	size_t bound;

	if (compressor == NULL || level != compressor_level) {
		top = (size_t)&__heap_base;
		libdeflate_set_memory_allocator(allocate, release);
		compressor = libdeflate_alloc_compressor(level);
		if (compressor == NULL)
			return NULL;
		compressor_level = level;
		compressor_end = top;
	}
	top = compressor_end;
	bound = libdeflate_deflate_compress_bound(compressor, length);
	input = allocate(length);
	output = input == NULL ? NULL : allocate(bound);
	return output == NULL ? NULL : input;
}

/* Compresses the first `length` of the reserved bytes; returns how many bytes there are at compressed(). */
EXPORT(compress) size_t
compress(size_t length)
{
	return libdeflate_deflate_compress(compressor, input, length, output, top - (size_t)output);
}

EXPORT(compressed) u8 *
compressed(void)
{
	return output;
}

/* Returns where `count` hints for the reserved bytes belong, or 0 without memory for them. */
EXPORT(reserve_hints) hint_t *
reserve_hints(size_t count)
{
	hints = allocate(count * sizeof(*hints));
	hints_end = hints + count;
	return hints;
}

/* Where the compressor is in the input, and in the hints. */
struct cursor {
	const u8 *in;
	const u8 *end;
	const hint_t *hint;
	/* What is left of the present hint. */
	u32 literals;
	u32 length;
};

static forceinline void
next_hint(struct cursor *cursor)
{
	bool more = ++cursor->hint < hints_end;

	cursor->literals = more ? hint_literals(*cursor->hint) : 0;
	cursor->length = more ? hint_length(*cursor->hint) : 0;
}

/* Leaves out what the hints say of the next `count` bytes. */
static void
skip_hints(struct cursor *cursor, u32 count)
{
	while (count > 0 && cursor->hint < hints_end) {
		u32 step = MIN(cursor->literals, count);

		cursor->literals -= step;
		count -= step;
		step = MIN(cursor->length, count);
		cursor->length -= step;
		count -= step;
		if (cursor->literals == 0 && cursor->length == 0)
			next_hint(cursor);
	}
}

/* Whether `length` bytes, 3 or more, stand `offset` before `a` too. */
static forceinline bool
is_match(const u8 *a, u32 length, u32 offset, const u8 *start)
{
	const u8 *b = a - offset;
	const u8 *a_last = a + length - 4;
	const u8 *b_last = b + length - 4;

	if (offset > (size_t)(a - start))
		return false;
	if (length == DEFLATE_MIN_MATCH_LEN)
		return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
	for (; length > 4; length -= MIN(length, 8), a += 8, b += 8) {
		if (length < 8)
			return get_unaligned_le32(a) == get_unaligned_le32(b) &&
			       get_unaligned_le32(a_last) == get_unaligned_le32(b_last);
		if (get_unaligned_le64(a) != get_unaligned_le64(b))
			return false;
	}
	return length == 0 || get_unaligned_le32(a_last) == get_unaligned_le32(b_last);
}

/*
 * As libdeflate's lazy compressor, with the matches of the hints instead of those that are searched for. A match that
 * begins before the input is none here: the bytes that it stood for are searched, as long as there can be such matches.
 * A wrong hint costs size and nothing else: its match is compared with the input.
 */
static void
compress_by_hints(struct libdeflate_compressor *restrict c, const u8 *in, size_t size,
		  struct deflate_output_bitstream *os)
{
	struct cursor cursor = { in, in + size, hints, hint_literals(*hints), hint_length(*hints) };
	struct hc_matchfinder *finder = &c->p.g.hc_mf;
	const u8 *base = in;
	const u8 *searched_end = in + MIN(size, MATCHFINDER_WINDOW_SIZE);
	u32 next_hashes[2] = { 0, 0 };

	hc_matchfinder_init(finder);
	do {
		const u8 *block = cursor.in;
		const u8 *block_end = choose_max_block_end(block, cursor.end, SOFT_MAX_BLOCK_LENGTH);
		const u8 *next_min = block + MIN(cursor.end - block, 10000);
		u32 min_length = calculate_min_match_len(block, block_end - block, c->max_search_depth);
		struct deflate_sequence *seq = c->p.g.sequences;

		init_block_split_stats(&c->split_stats);
		deflate_begin_sequences(c, seq);
		do {
			const u8 *at = cursor.in;
			bool searched = at < searched_end;
			u32 length = 0;
			u32 offset;

			if (at >= next_min) {
				min_length = recalculate_min_match_len(&c->freqs, c->max_search_depth);
				next_min += MIN(cursor.end - next_min, at - block);
			}
			if (cursor.literals > 0) {
				if (--cursor.literals == 0 && cursor.length == 0)
					next_hint(&cursor);
				if (searched)
					hc_matchfinder_skip_bytes(finder, &base, at, cursor.end, 1, next_hashes);
				deflate_choose_literal(c, *at, true, seq);
				cursor.in++;
				continue;
			}
			if (cursor.length > 0) {
				length = MIN(cursor.length, (u32)(cursor.end - at));
				offset = hint_offset(*cursor.hint);
				/* The old compressor knew when a short match pays, but for digits and the like: zlib takes any. */
				if (length < (min_length > 5 ? min_length : DEFLATE_MIN_MATCH_LEN) ||
				    !is_match(at, length, offset, in))
					length = 0;
			}
			if (length > 0) {
				if (searched)
					hc_matchfinder_skip_bytes(finder, &base, at, cursor.end, length, next_hashes);
				next_hint(&cursor);
			} else {
				if (searched) {
					u32 most = MIN((u32)(cursor.end - at), DEFLATE_MAX_MATCH_LEN);

					length = hc_matchfinder_longest_match(finder, &base, at, min_length - 1,
						most, MIN(c->nice_match_length, most), c->max_search_depth, next_hashes, &offset);
					if (length < min_length ||
					    (length == DEFLATE_MIN_MATCH_LEN && offset > 4096))
						length = 0;
					else
						hc_matchfinder_skip_bytes(finder, &base, at + 1, cursor.end, length - 1, next_hashes);
				}
				skip_hints(&cursor, MAX(length, 1));
			}
			if (length > 0)
				deflate_choose_match(c, length, offset, true, &seq);
			else
				deflate_choose_literal(c, *at, true, seq);
			cursor.in += MAX(length, 1);
		} while (cursor.in < block_end && seq < &c->p.g.sequences[SEQ_STORE_LENGTH] &&
			 !should_end_block(&c->split_stats, block, cursor.in, cursor.end));
		deflate_finish_block(c, os, block, cursor.in - block, c->p.g.sequences, cursor.in == cursor.end);
	} while (cursor.in != cursor.end && !os->overflow);
}

/* As compress(), with the hints; for the levels of libdeflate's lazy compressor (5 to 9). */
EXPORT(compress_hinted) size_t
compress_hinted(size_t length)
{
	void (*impl)(struct libdeflate_compressor *restrict, const u8 *, size_t,
		     struct deflate_output_bitstream *) = compressor->impl;
	size_t size;

	compressor->impl = compress_by_hints;
	size = libdeflate_deflate_compress(compressor, input, length, output, (size_t)hints - (size_t)output);
	compressor->impl = impl;
	return size;
}
