/** What is needed of a program to run it elsewhere (ELF, 64 bits, little endian). */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';

const MAGIC = 0x7f454c46;
const PROGRAM_HEADERS_AT = 0x20;
const SECTION_HEADERS_AT = 0x28;
const PROGRAM_HEADER_SIZE = 0x36;
const PROGRAM_HEADER_COUNT = 0x38;
const SECTION_HEADER_COUNT = 0x3c;

/**
 * The program without what is not loaded when it runs: symbols and debugging information, as `strip` leaves it. Sections
 * themselves are forgotten; the loader reads segments alone.
 * @throws Error when it is no such program
 */
export function stripped(program: Buffer): Buffer {
  if (program.readUInt32BE(0) !== MAGIC || program[4] !== 2 || program[5] !== 1) {
    throw new Error('no ELF program of 64 bits, little endian');
  }
  const at = Number(program.readBigUInt64LE(PROGRAM_HEADERS_AT));
  const size = program.readUInt16LE(PROGRAM_HEADER_SIZE);
  const ends = Array.from({ length: program.readUInt16LE(PROGRAM_HEADER_COUNT) }, (_, index) => {
    const header = at + index * size;
    return Number(program.readBigUInt64LE(header + 8) + program.readBigUInt64LE(header + 32));
  });
  const bytes = Buffer.from(program.subarray(0, Math.max(...ends)));
  bytes.writeBigUInt64LE(0n, SECTION_HEADERS_AT);
  bytes.writeUInt32LE(0, SECTION_HEADER_COUNT); // and the index of their names
  return bytes;
}

/** Whether a file is such a program, and no script. */
export function isProgram(path: string): boolean {
  const head = Buffer.alloc(4);
  const descriptor = openSync(path, 'r');
  readSync(descriptor, head, 0, head.length, 0);
  closeSync(descriptor);
  return head.readUInt32BE(0) === MAGIC;
}

/**
 * The paths of the shared libraries that a program of this machine is run with, its loader among them.
 * @param folder where libraries are looked for first
 */
export function libraries(path: string, folder?: string): string[] {
  const env = folder === undefined ? process.env : { ...process.env, LD_LIBRARY_PATH: folder };
  const lines = execFileSync('ldd', [path], { encoding: 'utf8', env }).split('\n');
  const paths = lines.map((line) => /^\s*(?:\S+ => )?(\/\S+) \(0x/.exec(line)?.[1]);
  return paths.filter((each) => each !== undefined);
}
