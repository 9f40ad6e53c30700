/** Where log lines go (component-base/logs/api/v1: OutputRoutingOptions). */

/** What a line is: upstream's components log errors and all else. */
export type Stream = 'info' | 'error';

export interface Routing {
  /** Whether `info` goes to the standard output. Otherwise everything goes to the standard error. */
  readonly splits: boolean;
  /** How much of `info` is gathered before it is written, where it has a stream of its own; 0: nothing. */
  readonly bufferBytes: number;
}

export interface LogOutput {
  readonly write: (line: string, stream: Stream) => void;
  /** Writes what was gathered. */
  readonly flush: () => void;
}

interface Streams {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

const MAX_BUFFER_BYTES = 2 ** 31;

export function logOutput({ stdout, stderr }: Streams, { splits, bufferBytes }: Routing): LogOutput {
  if (!splits) return { write: (line) => stderr(line), flush: () => {} };
  const { add, flush } = gathered(stdout, Math.min(bufferBytes, MAX_BUFFER_BYTES));
  return { write: (line, stream) => (stream === 'info' ? add(line) : stderr(line)), flush };
}

/** Whole lines together: never more than `size`, unless one alone is. */
function gathered(write: (text: string) => void, size: number): { add: (line: string) => void; flush: () => void } {
  let lines: string[] = [];
  let bytes = 0;
  const flush = () => {
    if (bytes === 0) return;
    const text = lines.join('');
    lines = [];
    bytes = 0;
    write(text);
  };
  const add = (line: string) => {
    const length = Buffer.byteLength(line);
    if (bytes + length > size) flush();
    if (length > size) return write(line);
    lines.push(line);
    bytes += length;
  };
  return { add, flush };
}
