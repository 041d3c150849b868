/*
 * Tells what the kernel has unpacked, before any program of the image runs: the first program of an attested boot.
 *
 * It needs no library, no shell and no mounted file system. Its orders are the lines of the file `orders`: the words
 * that begin each line of ours, the device to which the lines go, the program to become, and paths that are not the
 * image's, its own first. Each line but the last: number, type, mode (octal), uid, gid, size, inode, links, device,
 * SHA-256 of a regular file, path, target of a symlink; `-` where there is none. Bytes that are no visible ASCII
 * are %XX.
 *
 * `npm run attester` compiles it; the programs beside it are what that gave.
 */
#include <asm/fcntl.h>
#include <asm/stat.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

#define ORDERS "/moby-patch-verify.orders"
#define LONGEST 4096
#define OWN_NAMES 8
/* syslog(2): nothing of the kernel goes to the console, and as before. */
#define CONSOLE_OFF 6
#define CONSOLE_ON 7
#define AT_FD AT_FDCWD

static long call(long number, long a, long b, long c, long d)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
#endif
}

/* A compiler may call them. */
void *memcpy(void *to, const void *from, u64 size)
{
	for (u64 at = 0; at < size; at++)
		((volatile u8 *)to)[at] = ((const u8 *)from)[at];
	return to;
}

void *memset(void *to, int value, u64 size)
{
	for (u64 at = 0; at < size; at++)
		((volatile u8 *)to)[at] = value;
	return to;
}

static u64 length(const char *text)
{
	u64 size = 0;
	while (text[size])
		size++;
	return size;
}

static int equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* --- SHA-256 (FIPS 180-4) --- */

static const u32 rounds[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static u32 rotate(u32 word, int bits)
{
	return word >> bits | word << (32 - bits);
}

static void compress(u32 state[8], const u8 *block)
{
	u32 w[64];
	for (int at = 0; at < 16; at++)
		w[at] = (u32)block[4 * at] << 24 | block[4 * at + 1] << 16 | block[4 * at + 2] << 8 | block[4 * at + 3];
	for (int at = 16; at < 64; at++) {
		u32 a = w[at - 15], b = w[at - 2];
		w[at] = w[at - 16] + w[at - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
			(rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
	u32 a = state[0], b = state[1], c = state[2], d = state[3];
	u32 e = state[4], f = state[5], g = state[6], h = state[7];
	for (int at = 0; at < 64; at++) {
		u32 one = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (g ^ (e & (f ^ g))) + rounds[at] + w[at];
		u32 two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) | (c & (a | b)));
		h = g, g = f, f = e, e = d + one, d = c, c = b, b = a, a = one + two;
	}
	state[0] += a, state[1] += b, state[2] += c, state[3] += d;
	state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static u8 chunk[1 << 16];

/* The digest of what can be read of a file, and how much that is; negative where it cannot be read. */
static long digest(int file, u8 out[32])
{
	u32 state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	u64 total = 0, kept = 0;
	for (;;) {
		long size = call(__NR_read, file, (long)chunk + kept, sizeof chunk - 128 - kept, 0);
		if (size < 0)
			return size;
		total += size, kept += size;
		u64 at = 0;
		for (; kept - at >= 64; at += 64)
			compress(state, chunk + at);
		kept -= at;
		for (u64 each = 0; each < kept; each++)
			chunk[each] = chunk[at + each];
		if (size == 0)
			break;
	}
	chunk[kept++] = 0x80;
	while (kept % 64 != 56)
		chunk[kept++] = 0;
	for (int at = 7; at >= 0; at--)
		chunk[kept++] = total * 8 >> (8 * at);
	for (u64 at = 0; at < kept; at += 64)
		compress(state, chunk + at);
	for (int at = 0; at < 32; at++)
		out[at] = state[at / 4] >> (24 - 8 * (at % 4));
	return total;
}

/* --- Lines --- */

static int port;
static u8 line[1 << 15];
static u64 filled;

static void flush(void)
{
	u64 at = 0;
	while (at < filled) {
		long size = call(__NR_write, port, (long)line + at, filled - at, 0);
		if (size <= 0)
			break;
		at += size;
	}
	filled = 0;
}

static void put(u8 byte)
{
	if (filled == sizeof line)
		flush();
	line[filled++] = byte;
}

static void text(const char *words)
{
	while (*words)
		put(*words++);
}

static void number(u64 value, int base)
{
	char digits[24];
	int at = sizeof digits - 1;
	digits[at] = 0;
	do
		digits[--at] = '0' + value % base;
	while (value /= base);
	text(digits + at);
	put(' ');
}

static void hex(u8 byte)
{
	put("0123456789abcdef"[byte >> 4]);
	put("0123456789abcdef"[byte & 15]);
}

static void name(const char *bytes)
{
	for (; *bytes; bytes++) {
		u8 byte = *bytes;
		if (byte > 0x20 && byte < 0x7f && byte != '%')
			put(byte);
		else
			put('%'), hex(byte);
	}
	put(' ');
}

/* --- Orders --- */

static char orders[LONGEST];
static const char *marker = "moby-patch-verify", *device = "", *next = "/init";
static const char *own[OWN_NAMES];

static void take_orders(void)
{
	long file = call(__NR_openat, AT_FD, (long)ORDERS, O_RDONLY, 0);
	long size = file < 0 ? 0 : call(__NR_read, file, (long)orders, sizeof orders - 1, 0);
	call(__NR_close, file, 0, 0, 0);
	char *words[3 + OWN_NAMES] = {0};
	int count = 0;
	char *start = orders;
	for (long at = 0; at < size && count < 3 + OWN_NAMES; at++)
		if (orders[at] == '\n') {
			orders[at] = 0;
			words[count++] = start;
			start = orders + at + 1;
		}
	if (count < 3)
		return;
	marker = words[0], device = words[1], next = words[2];
	for (int at = 3; at < count; at++)
		own[at - 3] = words[at];
}

static int is_own(const char *path)
{
	for (int at = 0; at < OWN_NAMES && own[at]; at++)
		if (equal(own[at], path))
			return 1;
	return 0;
}

/* --- The tree --- */

static char path[LONGEST + 300];
static u64 count, root_device;

static char letter(u32 mode)
{
	switch (mode >> 12) {
	case 1: return 'p';
	case 2: return 'c';
	case 4: return 'd';
	case 6: return 'b';
	case 8: return '-';
	case 10: return 'l';
	case 12: return 's';
	}
	return '?';
}

static void tell(const struct stat *found, u64 size)
{
	static char target[LONGEST + 1];
	u8 sum[32];
	long read = -1;
	char type = letter(found->st_mode);
	if (type == '-') {
		long file = call(__NR_openat, AT_FD, (long)path, O_RDONLY | O_NOFOLLOW | O_NOATIME, 0);
		read = file < 0 ? file : digest(file, sum);
		call(__NR_close, file, 0, 0, 0);
	}
	long aim = type == 'l' ? call(__NR_readlinkat, AT_FD, (long)path, (long)target, LONGEST) : 0;
	target[aim > 0 ? aim : 0] = 0;
	text(marker);
	text(" attest ");
	number(count++, 10);
	put(type), put(' ');
	number(found->st_mode & 07777, 8);
	number(found->st_uid, 10);
	number(found->st_gid, 10);
	number(read >= 0 ? (u64)read : (u64)found->st_size, 10);
	number(found->st_ino, 10);
	number(found->st_nlink, 10);
	number(found->st_rdev, 10);
	if (read >= 0)
		for (int at = 0; at < 32; at++)
			hex(sum[at]);
	else
		put('-');
	put(' ');
	/* A dot for the root: a word is never empty. */
	name(size > 1 ? path + 1 : ".");
	name(aim > 0 ? target : "-");
	text(".\n");
	flush();
}

struct entry {
	u64 ino;
	long off;
	unsigned short size;
	u8 type;
	char name[];
};

static void walk(u64 size)
{
	struct stat found;
	path[size] = 0;
	if (call(__NR_newfstatat, AT_FD, (long)(size ? path : "/"), (long)&found, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (size == 0)
		root_device = found.st_dev;
	tell(&found, size);
	/* What another file system has is not the image's. */
	if (letter(found.st_mode) != 'd' || found.st_dev != root_device)
		return;
	long folder = call(__NR_openat, AT_FD, (long)(size ? path : "/"), O_RDONLY | O_DIRECTORY | O_NOATIME, 0);
	if (folder < 0)
		return;
	for (;;) {
		u64 buffer[128];
		long got = call(__NR_getdents64, folder, (long)buffer, sizeof buffer, 0);
		if (got <= 0)
			break;
		for (long at = 0; at < got;) {
			const struct entry *each = (const struct entry *)((u8 *)buffer + at);
			at += each->size;
			u64 more = length(each->name);
			if (equal(each->name, ".") || equal(each->name, "..") || size + 1 + more >= LONGEST)
				continue;
			path[size] = '/';
			memcpy(path + size + 1, each->name, more + 1);
			if (!is_own(path))
				walk(size + 1 + more);
		}
	}
	call(__NR_close, folder, 0, 0, 0);
}

__attribute__((used, noreturn)) static void begin(long *stack)
{
	char **words = (char **)(stack + 1);
	char **environment = words + stack[0] + 1;
	take_orders();
	long file = *device ? call(__NR_openat, AT_FD, (long)device, O_WRONLY | O_NOCTTY, 0) : -1;
	port = file < 0 ? 1 : file;
	/* A line of the kernel would tear ours. */
	if (file < 0)
		call(__NR_syslog, CONSOLE_OFF, 0, 0, 0);
	walk(0);
	text(marker);
	text(" attested ");
	number(count, 10);
	text(".\n");
	flush();
	if (file < 0)
		call(__NR_syslog, CONSOLE_ON, 0, 0, 0);
	else
		call(__NR_close, file, 0, 0, 0);
	call(__NR_unlinkat, AT_FD, (long)ORDERS, 0, 0);
	if (own[0])
		call(__NR_unlinkat, AT_FD, (long)own[0], 0, 0);
	words[0] = (char *)next;
	call(__NR_execve, (long)next, (long)words, (long)environment, 0);
	port = 1;
	text("moby-patch-verify: ");
	text(next);
	text(": exec format error or not found\n");
	flush();
	call(__NR_exit, 126, 0, 0, 0);
	__builtin_unreachable();
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x0, sp\n\tbl begin\n");
#endif
