/*
 * Reads where the matches of a deflate stream are, without unpacking it. One instance of WebAssembly reads one stream, which
 * comes in pieces. What is wrong in it is found no more than its tables and bounds need: hints may be wrong.
 */
#include "hint.h"

/* The tables of its decompressor, with its checks of the codes. */
#include "lib/utils.c"
#include "lib/deflate_decompress.c"

#define PAGE ((size_t)65536)
#define EXPORT(name) __attribute__((export_name(#name)))

/* Bytes: a dynamic header has at most 17 + 19 * 3 + 320 * 14 bits, and 8 are read ahead. */
#define LONGEST_HEADER	640
/* Bytes: the bits of one match, read 8 bytes at a time. */
#define LONGEST_STEP	16
#define SOURCE_SIZE	((size_t)256 * 1024)

/* The linker puts it behind the data and the stack: from here on the memory is for hints. */
extern u8 __heap_base;

/* Behind its end stand zeros, which may be read. */
static u8 source[SOURCE_SIZE + LONGEST_HEADER];
static const u8 *next = source;
static const u8 *end = source;
static bool is_last;
/* Bits of the source before `next`: `bits` may hold more of them than `count` says. */
static u64 bits;
static u32 count;

static enum { HEADER, STORED, SYMBOLS, ENDED, BROKEN } state = HEADER;
static bool is_final;
static u32 stored;
/* Of the stream up to the present range; a block of less than 256 bytes costs more time than it is worth. */
static u64 unpacked;
static u64 blocks;
static struct libdeflate_decompressor tables;

/* Of the present range: its size, where we are in it, and the literals since the last hint. */
static u32 size;
static u32 at;
static u32 literals;
static hint_t *hints;
static hint_t *hints_end;
static hint_t *hint;
/* What is left of a match that reaches over the end of the range. */
static u32 rest_length;
static u32 rest_offset;

/* Returns where more of the stream belongs. */
EXPORT(source_place) u8 *
source_place(void)
{
	next -= count >> 3;
	count &= 7;
	bits &= (1u << count) - 1;
	memmove(source, next, end - next);
	end -= next - source;
	next = source;
	return (u8 *)end;
}

/* Returns how many bytes there is room for at source_place(). */
EXPORT(source_room) size_t
source_room(void)
{
	return source + SOURCE_SIZE - end;
}

/* `length`: of what was put there; 0 at the end of the stream. */
EXPORT(add_source) void
add_source(size_t length)
{
	end += length;
	is_last = length == 0;
	memset((u8 *)end, 0, LONGEST_HEADER);
}

static forceinline void
refill(void)
{
	bits |= get_unaligned_le64(next) << count;
	next += (63 - count) >> 3;
	count |= 56;
}

static forceinline u32
take(u32 n)
{
	u32 value = (u32)bits & ((1u << n) - 1);

	bits >>= n;
	count -= n;
	return value;
}

/* To the next whole byte. */
static void
align(void)
{
	next -= count >> 3;
	bits = 0;
	count = 0;
}

static bool
read_lengths(u32 litlen_syms, u32 offset_syms)
{
	static const u8 order[DEFLATE_NUM_PRECODE_SYMS] = {
		16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
	};
	u8 *lens = tables.u.l.lens;
	u32 explicit_lens = 4 + take(4);
	u32 i;

	for (i = 0; i < DEFLATE_NUM_PRECODE_SYMS; i++) {
		refill();
		tables.u.precode_lens[order[i]] = i < explicit_lens ? take(3) : 0;
	}
	if (!build_precode_decode_table(&tables))
		return false;
	for (i = 0; i < litlen_syms + offset_syms;) {
		u32 entry, times;
		u8 length = 0;

		refill();
		entry = tables.u.l.precode_decode_table[bits & (PRECODE_ENOUGH - 1)];
		take((u8)entry);
		entry >>= 16;
		if (entry < 16) {
			lens[i++] = entry;
			continue;
		}
		if (entry == 16) {
			if (i == 0)
				return false;
			length = lens[i - 1];
			times = 3 + take(2);
		} else {
			times = entry == 17 ? 3 + take(3) : 11 + take(7);
		}
		memset(&lens[i], length, times);
		i += times;
	}
	return i == litlen_syms + offset_syms && lens[DEFLATE_END_OF_BLOCK] != 0;
}

static void
set_static_lengths(void)
{
	u8 *lens = tables.u.l.lens;

	memset(lens, 8, 144);
	memset(lens + 144, 9, 112);
	memset(lens + 256, 7, 24);
	memset(lens + 280, 8, 8);
	memset(lens + 288, 5, 32);
}

static int
read_header(void)
{
	u32 litlen_syms = DEFLATE_NUM_LITLEN_SYMS;
	u32 offset_syms = DEFLATE_NUM_OFFSET_SYMS;

	if (++blocks > 1000 + unpacked / 256)
		return BROKEN;
	refill();
	is_final = take(1);
	switch (take(2)) {
	case DEFLATE_BLOCKTYPE_UNCOMPRESSED:
		align();
		refill();
		stored = take(16);
		if ((stored ^ take(16)) != 0xffff)
			return BROKEN;
		align();
		return STORED;
	case DEFLATE_BLOCKTYPE_STATIC_HUFFMAN:
		set_static_lengths();
		break;
	case DEFLATE_BLOCKTYPE_DYNAMIC_HUFFMAN:
		litlen_syms = 257 + take(5);
		offset_syms = 1 + take(5);
		if (!read_lengths(litlen_syms, offset_syms))
			return BROKEN;
		break;
	default:
		return BROKEN;
	}
	/* In this order: the table of the literals takes the place of the lengths. */
	return build_offset_decode_table(&tables, litlen_syms, offset_syms) &&
	       build_litlen_decode_table(&tables, litlen_syms, offset_syms) ? SYMBOLS : BROKEN;
}

/* The value of an entry with the extra bits that follow its code. */
static forceinline u32
decode(u32 entry, u64 buffer)
{
	return (entry >> 16) + (u32)((buffer & (((u64)1 << (u8)entry) - 1)) >> (u8)(entry >> 8));
}

/* The place in a table that a code of more bits than the table's leads to. */
static forceinline u32
find_long(u32 entry, u64 buffer)
{
	return (entry >> 16) + ((u32)buffer & ((1u << ((entry >> 8) & 0x3f)) - 1));
}

static forceinline void
add_hint(u32 length, u32 offset)
{
	for (; literals >= MOST_LITERALS && hint < hints_end; literals -= MOST_LITERALS)
		*hint++ = MOST_LITERALS;
	/* The end of a match that reached over the end of a range. */
	if (length < DEFLATE_MIN_MATCH_LEN)
		literals += length;
	else if (hint < hints_end) {
		*hint++ = pack_hint(literals, length, offset);
		literals = 0;
	}
}

/* Up to the end of the range, of the block, or of the source. */
static void
read_symbols(const u8 *limit)
{
	const u32 mask = (1u << tables.litlen_tablebits) - 1;
	const u8 *in = next;
	u64 buffer = bits;
	u32 left = count;
	u32 position = at;

	while (position < size && in <= limit) {
		u32 entry, length, offset;

		buffer |= get_unaligned_le64(in) << left;
		in += (63 - left) >> 3;
		left |= 56;
		entry = tables.u.litlen_decode_table[buffer & mask];
		if (entry & HUFFDEC_SUBTABLE_POINTER && !(entry & HUFFDEC_LITERAL)) {
			buffer >>= tables.litlen_tablebits;
			left -= tables.litlen_tablebits;
			entry = tables.u.litlen_decode_table[find_long(entry, buffer)];
		}
		if (entry & HUFFDEC_LITERAL) {
			buffer >>= (u8)entry;
			left -= (u8)entry;
			position++;
			literals++;
			continue;
		}
		if (entry & HUFFDEC_EXCEPTIONAL) {
			buffer >>= (u8)entry;
			left -= (u8)entry;
			state = is_final ? ENDED : HEADER;
			break;
		}
		length = decode(entry, buffer);
		buffer >>= (u8)entry;
		left -= (u8)entry;
		entry = tables.offset_decode_table[buffer & ((1u << OFFSET_TABLEBITS) - 1)];
		if (entry & HUFFDEC_EXCEPTIONAL) {
			buffer >>= OFFSET_TABLEBITS;
			left -= OFFSET_TABLEBITS;
			entry = tables.offset_decode_table[find_long(entry, buffer)];
		}
		offset = decode(entry, buffer);
		buffer >>= (u8)entry;
		left -= (u8)entry;
		position += length;
		if (position > size) {
			rest_length = position - size;
			rest_offset = offset;
			length -= rest_length;
			position = size;
		}
		add_hint(length, offset);
	}
	next = in;
	bits = buffer;
	count = left;
	at = position;
}

static void
read_stored(void)
{
	u32 step = MIN(MIN(stored, size - at), (u32)(end - next));

	next += step;
	at += step;
	literals += step;
	stored -= step;
	if (stored == 0)
		state = is_final ? ENDED : HEADER;
}

/* Begins with the next `length` bytes that the stream unpacks to; `most`: the hints that there is room for. */
EXPORT(begin_hints) bool
begin_hints(u32 length, u32 most)
{
	size_t present = (size_t)__builtin_wasm_memory_size(0) * PAGE;
	size_t wanted;

	hints = (hint_t *)ALIGN((size_t)&__heap_base, (size_t)16);
	hint = hints;
	hints_end = hints + most;
	unpacked += size;
	size = length;
	at = 0;
	literals = 0;
	wanted = (size_t)hints_end;
	if (wanted > present && __builtin_wasm_memory_grow(0, DIV_ROUND_UP(wanted - present, PAGE)) == SIZE_MAX)
		return false;
	at = MIN(rest_length, size);
	if (at > 0)
		add_hint(at, rest_offset);
	rest_length -= at;
	return true;
}

/* Returns whether more of the stream is wanted. */
EXPORT(read_hints) bool
read_hints(void)
{
	while (at < size && state != ENDED && state != BROKEN) {
		/* At most 7 bytes are read ahead: in front of a `next` behind this limit the stream has ended. */
		const u8 *limit = is_last ? end + 7 : end - LONGEST_STEP;
		size_t least = state == HEADER ? LONGEST_HEADER : state == STORED ? 1 : LONGEST_STEP;

		if (!is_last && end - next < (ptrdiff_t)least)
			return true;
		if (state == HEADER)
			state = read_header();
		else if (state == SYMBOLS)
			read_symbols(limit);
		else
			read_stored();
		if (next - (count >> 3) > end || (is_last && state == STORED && next == end && stored > 0))
			state = BROKEN;
	}
	return false;
}

/* Returns where the hints for the range are. */
EXPORT(hints_place) hint_t *
hints_place(void)
{
	return hints;
}

/* Returns how many there are; 0 also where the stream ended too soon, or had more than there was room for. */
EXPORT(count_hints) u32
count_hints(void)
{
	return at < size || hint == hints_end ? 0 : hint - hints;
}
