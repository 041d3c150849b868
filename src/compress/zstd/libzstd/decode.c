/*
 * libzstd's decompressor as a WebAssembly module without a C library. `npm run modules` builds it.
 * One instance reads one frame after the other. What it gives stays in its memory: the window of the frame, of which it fills
 * one piece at a time.
 */
#define DEBUGLEVEL 0
#define MEM_MODULE
#define XXH_NAMESPACE ZSTD_
#define XXH_PRIVATE_API
#define XXH_INLINE_ALL
#define XXH_NO_STDLIB
#define ZSTD_LEGACY_SUPPORT 0
#define ZSTD_TRACE 0
#define ZSTD_DISABLE_ASM 1
#define ZSTD_STATIC_LINKING_ONLY

/* One of the two ways of each: a tenth faster here than all of them, and 22 KB smaller. */
#define HUF_FORCE_DECOMPRESS_X1
#define ZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT

/* The context stands in an array of ours, and dictionaries are refused before. */
#define ZSTD_DEPS_NEED_MALLOC
#define ZSTD_DEPS_MALLOC
#define ZSTD_malloc(size) ((void)(size), NULL)
#define ZSTD_calloc(count, size) ((void)(count), (void)(size), NULL)
#define ZSTD_free(pointer) ((void)(pointer))

#include <stdbool.h>
#include "common/zstd_deps.h"
#include "common/entropy_common.c"
#include "common/error_private.c"
#include "common/fse_decompress.c"
#include "common/zstd_common.c"
#include "decompress/huf_decompress.c"
#include "decompress/zstd_ddict.c"
#include "decompress/zstd_decompress.c"
#include "decompress/zstd_decompress_block.c"

#define PAGE ((size_t)65536)
#define EXPORT(name) __attribute__((export_name(#name)))
/* Bytes: more than one block with its header. */
#define SOURCE_SIZE ((size_t)512 * 1024)
/* Bytes, but for one block more. */
#define PIECE_SIZE ((size_t)512 * 1024)

/* The linker puts it behind the data and the stack: from here on the memory is for the window. */
extern BYTE __heap_base;

static BYTE source[SOURCE_SIZE];
static const BYTE *next;
static BYTE *source_end;

static U64 context[(sizeof(ZSTD_DCtx) + 7) / 8];
static ZSTD_DCtx *decoder;

/* The window with room for two more blocks, which goes on at its start. */
static BYTE *window;
static BYTE *window_end;
static BYTE *piece;
static BYTE *piece_end;
static size_t longest_block;
/* Of libzstd; 0: none. */
static size_t failure;

void *
memcpy(void *to, const void *from, size_t length)
{
	BYTE *out = to;
	const BYTE *in = from;

	for (; length >= 8; length -= 8, out += 8, in += 8)
		MEM_write64(out, MEM_read64(in));
	while (length-- > 0)
		*out++ = *in++;
	return to;
}

void *
memmove(void *to, const void *from, size_t length)
{
	BYTE *out = (BYTE *)to + length;
	const BYTE *in = (const BYTE *)from + length;

	if ((size_t)to - (size_t)from >= length)
		return memcpy(to, from, length);
	while (length-- > 0)
		*--out = *--in;
	return to;
}

void *
memset(void *to, int value, size_t length)
{
	BYTE *out = to;
	U64 values = (BYTE)value * 0x0101010101010101;

	for (; length >= 8; length -= 8, out += 8)
		MEM_write64(out, values);
	while (length-- > 0)
		*out++ = (BYTE)value;
	return to;
}

/* A frame that needs a window of so many bytes comes next; returns whether there is memory for it. */
EXPORT(begin) bool
begin(size_t window_size)
{
	size_t size = ZSTD_decodingBufferSize_min(window_size, ZSTD_CONTENTSIZE_UNKNOWN);
	size_t present = (size_t)__builtin_wasm_memory_size(0) * PAGE;
	size_t wanted;

	if (ZSTD_isError(size))
		return false;
	window = &__heap_base;
	window_end = window + size;
	wanted = (size_t)window_end;
	if (wanted < size)
		return false;
	if (wanted > present &&
	    __builtin_wasm_memory_grow(0, (wanted - present + PAGE - 1) / PAGE) == SIZE_MAX)
		return false;
	longest_block = MIN(window_size, ZSTD_BLOCKSIZE_MAX);
	piece = piece_end = window;
	next = source_end = source;
	failure = 0;
	decoder = ZSTD_initStaticDCtx(context, sizeof(context));
	ZSTD_decompressBegin(decoder);
	return true;
}

/* Returns where more of the frame belongs. */
EXPORT(source_place) BYTE *
source_place(void)
{
	size_t rest = source_end - next;

	memmove(source, next, rest);
	next = source;
	source_end = source + rest;
	return source_end;
}

/* Returns how many bytes there is room for at source_place(). */
EXPORT(source_room) size_t
source_room(void)
{
	return source + SOURCE_SIZE - source_end;
}

/* `length`: of what was put there. */
EXPORT(add_source) void
add_source(size_t length)
{
	source_end += length;
}

/* Returns the size of the next piece; 0 when more of the frame is wanted, at its end, and for a fault. */
EXPORT(decode) size_t
decode(void)
{
	if ((size_t)(window_end - piece_end) < longest_block)
		piece_end = window;
	piece = piece_end;
	while ((size_t)(piece_end - piece) < PIECE_SIZE &&
	       (size_t)(window_end - piece_end) >= longest_block && failure == 0) {
		size_t wanted = ZSTD_nextSrcSizeToDecompress(decoder);
		size_t size;

		if (wanted == 0 || wanted > (size_t)(source_end - next))
			break;
		size = ZSTD_decompressContinue(decoder, piece_end, window_end - piece_end, next, wanted);
		if (ZSTD_isError(size)) {
			failure = size;
		} else {
			next += wanted;
			piece_end += size;
		}
	}
	return piece_end - piece;
}

/* Returns where the piece is; it is valid until the next is asked for. */
EXPORT(piece_place) BYTE *
piece_place(void)
{
	return piece;
}

/* Returns what libzstd says of the fault in the frame, as a C string; NULL: there is none. */
EXPORT(fault) const char *
fault(void)
{
	return failure == 0 ? NULL : ZSTD_getErrorName(failure);
}

/* Returns whether the frame was read to its end. */
EXPORT(ended) bool
ended(void)
{
	return failure == 0 && ZSTD_nextSrcSizeToDecompress(decoder) == 0;
}
