/**
 * The program that holds the namespaces of a pod: it waits for a signal that never comes, and has the kernel take away what
 * others leave behind as children of the first process. Linux on x86-64, without a library.
 */

// A file of one segment, at this address, that is read and run.
const ADDRESS = 0x400000;
const ELF_HEADER = 64;
const PROGRAM_HEADER = 56;

const RT_SIGACTION = 13;
const PAUSE = 34;
const SIGCHLD = 17;

/** `struct sigaction` of the kernel: handler SIG_IGN, no flags, no restorer, no mask. */
const IGNORE = Buffer.from([1, ...new Array<number>(31).fill(0)]);

/** @returns the bytes of an executable */
export function pauseProgram(): Buffer {
  const code = Buffer.from([
    ...[0xb8, ...int32(RT_SIGACTION)], // mov eax, rt_sigaction
    ...[0xbf, ...int32(SIGCHLD)], // mov edi, SIGCHLD
    ...[0x48, 0x8d, 0x35, ...int32(20)], // lea rsi, [rip + what is behind the code]
    ...[0x31, 0xd2], // xor edx, edx
    ...[0x41, 0xba, ...int32(8)], // mov r10d, size of the mask
    ...[0x0f, 0x05], // syscall
    ...[0xb8, ...int32(PAUSE)], // mov eax, pause
    ...[0x0f, 0x05], // syscall
    ...[0xeb, 0xf7], // jmp to the mov before
    0x90, // nop
  ]);
  const size = ELF_HEADER + PROGRAM_HEADER + code.length + IGNORE.length;
  const header = Buffer.alloc(ELF_HEADER + PROGRAM_HEADER);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64 bits, little endian
  header.writeUInt16LE(2, 16); // an executable
  header.writeUInt16LE(62, 18); // x86-64
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(ADDRESS + header.length), 24); // where it begins
  header.writeBigUInt64LE(BigInt(ELF_HEADER), 32);
  header.writeUInt16LE(ELF_HEADER, 52);
  header.writeUInt16LE(PROGRAM_HEADER, 54);
  header.writeUInt16LE(1, 56);
  const segment = header.subarray(ELF_HEADER);
  segment.writeUInt32LE(1, 0); // loaded
  segment.writeUInt32LE(5, 4); // read and run
  segment.writeBigUInt64LE(BigInt(ADDRESS), 16);
  segment.writeBigUInt64LE(BigInt(ADDRESS), 24);
  segment.writeBigUInt64LE(BigInt(size), 32);
  segment.writeBigUInt64LE(BigInt(size), 40);
  segment.writeBigUInt64LE(0x1000n, 48);
  return Buffer.concat([header, code, IGNORE]);
}

function int32(value: number): number[] {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return [...bytes];
}
