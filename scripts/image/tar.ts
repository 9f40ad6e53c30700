/** Tar archives (POSIX ustar) whose bytes depend on their contents alone: everything is root's, of the year 1970. */
export type Entry = { readonly path: string; readonly mode: number } & (
  | { readonly type: 'file'; readonly bytes: Uint8Array }
  | { readonly type: 'link'; readonly target: string }
  | { readonly type: 'directory' }
);

const TYPE_FLAGS = { file: '0', link: '2', directory: '5' } as const;
const BLOCK = 512;

export const file = (path: string, bytes: Uint8Array | string, mode = 0o644): Entry => ({
  type: 'file',
  path,
  mode,
  bytes: Buffer.from(bytes),
});
export const link = (path: string, target: string): Entry => ({ type: 'link', path, mode: 0o777, target });
export const directory = (path: string, mode = 0o755): Entry => ({ type: 'directory', path, mode });

/** In the order given. @throws RangeError for names that are too long for the format */
export function tar(entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    if (entry.type !== 'file') return [header(entry, 0)];
    return [header(entry, entry.bytes.length), entry.bytes, Buffer.alloc(-entry.bytes.length & (BLOCK - 1))];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

/** Adds the directories that entries are in, in an order in which each comes before what it holds. */
export function withDirectories(entries: readonly Entry[]): Entry[] {
  const all = new Map(entries.map((entry) => [entry.path, entry]));
  for (const { path } of entries) {
    for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1)) {
      const parent = path.slice(0, end);
      if (!all.has(parent)) all.set(parent, directory(parent));
    }
  }
  return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function header(entry: Entry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const put = (offset: number, length: number, text: string) => {
    if (Buffer.byteLength(text) > length) throw new RangeError(`${text} is too long for a tar archive`);
    block.write(text, offset);
  };
  const number = (offset: number, length: number, value: number) =>
    put(offset, length, value.toString(8).padStart(length - 1, '0'));
  put(0, 100, entry.type === 'directory' ? `${entry.path}/` : entry.path);
  number(100, 8, entry.mode);
  number(108, 8, 0);
  number(116, 8, 0);
  number(124, 12, size);
  number(136, 12, 0);
  put(148, 8, ' '.repeat(8));
  put(156, 1, TYPE_FLAGS[entry.type]);
  if (entry.type === 'link') put(157, 100, entry.target);
  put(257, 8, 'ustar\u000000');
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, 8, `${sum.toString(8).padStart(6, '0')}\u0000 `);
  return block;
}
