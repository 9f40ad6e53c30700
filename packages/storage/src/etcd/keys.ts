/** Where callers' keys begin, whatever etcd's prefix is. */
const ROOT = '/registry';

/**
 * Maps callers' keys, which begin with `/registry`, to keys in etcd, which begin with the prefix that is configured
 * (upstream's `--etcd-prefix`). Keys elsewhere, such as upstream's `compact_rev_key`, are the same on both sides.
 */
export class KeyMapping {
  readonly #prefix: string;

  /** @param prefix with or without a leading slash, which is always there in etcd */
  constructor(prefix: string = ROOT) {
    this.#prefix = `/${prefix.replaceAll(/^\/+|\/+$/g, '')}`;
  }

  toEtcd(key: string): Buffer {
    return Buffer.from(isBelow(key, ROOT) ? this.#prefix + key.slice(ROOT.length) : key, 'utf8');
  }

  fromEtcd(bytes: Buffer): string {
    const key = bytes.toString('utf8');
    return isBelow(key, this.#prefix) ? ROOT + key.slice(this.#prefix.length) : key;
  }
}

function isBelow(key: string, root: string): boolean {
  return key.startsWith(root) && (key.length === root.length || key[root.length] === '/');
}

/** The range of the keys that start with a prefix, as etcd writes it: up to, not including, `end`. */
export function prefixEnd(prefix: Buffer): Buffer {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  // A single zero byte means: no end.
  if (length === 0) return Buffer.from([0]);
  const end = Buffer.from(prefix.subarray(0, length));
  end[length - 1]! += 1;
  return end;
}
