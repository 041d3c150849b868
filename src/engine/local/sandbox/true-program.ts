/** Machine code of `exit(0)`. */
const code: Readonly<Record<string, readonly number[]>> = {
  // mov eax, 60; xor edi, edi; syscall
  x64: [0xb8, 0x3c, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05],
  // mov x0, 0; mov x8, 93; svc 0
  arm64: [0, 0, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 1, 0, 0, 0xd4],
};

/** The number of a processor in an ELF header. */
const machines: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };

const headerSize = 64;
const segmentSize = 56;
const address = 0x400000n;

/** An ELF program that ends in success and needs nothing around it; undefined for a processor it is not written for. */
export function createTrueProgram(processor: string): Buffer | undefined {
  const instructions = code[processor];
  const machine = machines[processor];
  if (instructions === undefined || machine === undefined) return undefined;
  const start = headerSize + segmentSize;
  const size = start + instructions.length;
  const program = Buffer.alloc(size);
  program.write('\x7fELF\x02\x01\x01', 'latin1');
  program.writeUInt16LE(2, 16); // e_type: an executable
  program.writeUInt16LE(machine, 18);
  program.writeUInt32LE(1, 20); // e_version
  program.writeBigUInt64LE(address + BigInt(start), 24); // e_entry
  program.writeBigUInt64LE(BigInt(headerSize), 32); // e_phoff
  program.writeUInt16LE(headerSize, 52);
  program.writeUInt16LE(segmentSize, 54);
  program.writeUInt16LE(1, 56); // e_phnum
  program.writeUInt32LE(1, headerSize); // p_type: to be loaded
  program.writeUInt32LE(5, headerSize + 4); // p_flags: read and execute
  program.writeBigUInt64LE(address, headerSize + 16); // p_vaddr
  program.writeBigUInt64LE(address, headerSize + 24); // p_paddr
  program.writeBigUInt64LE(BigInt(size), headerSize + 32); // p_filesz
  program.writeBigUInt64LE(BigInt(size), headerSize + 40); // p_memsz
  program.writeBigUInt64LE(0x1000n, headerSize + 48); // p_align
  program.set(instructions, start);
  return program;
}
