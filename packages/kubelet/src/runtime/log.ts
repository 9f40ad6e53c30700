/** The ends of container logs, in CRI's format: `TIME STREAM F|P TEXT`, where P is a line that goes on. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The text of the last lines of a log file, at most so many bytes; empty where there is none. */
export function readLogTail(path: string, maxLines: number, maxBytes: number): string {
  const text = readTail(path, maxBytes * 2 + 4096).toString();
  const lines = text.split('\n').slice(-maxLines - 1);
  const said = lines.flatMap((line) => {
    const [, tag, content] = /^\S+ (?:stdout|stderr) (\S+) (.*)$/.exec(line) ?? [];
    return content === undefined ? [] : [tag!.startsWith('P') ? content : `${content}\n`];
  });
  return Buffer.from(said.join('')).subarray(-maxBytes).toString();
}

/** The end of a file; empty where there is none. */
export function readTail(path: string, maxBytes: number): Buffer {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    const length = Math.min(size, maxBytes);
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(file, buffer, 0, length, size - length));
  } finally {
    closeSync(file);
  }
}
