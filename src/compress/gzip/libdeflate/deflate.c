/*
 * libdeflate's compressor as a WebAssembly module without a C library. `npm run libdeflate` builds it.
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
