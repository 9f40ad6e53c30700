/**
 * The hash by which a container is known to have another definition than the one that runs: of its name and image alone, in
 * upstream's form (pkg/kubelet/container/helpers.go, HashContainer), since it is read by whichever kubelet comes next.
 */
import type { Container } from '@keelson/api/generated/types/core/v1';

/** In hexadecimal, as the annotation has it. */
export function containerHash({ name, image = '' }: Pick<Container, 'name' | 'image'>): string {
  const json = Buffer.from(goJson({ image, name }));
  // The bytes as Go's debug printer writes them.
  const text = `([]uint8)[${[...json].join(' ')}]`;
  return fnv32a(Buffer.from(text)).toString(16);
}

/** Go escapes what HTML would take for its own. */
function goJson(object: Record<string, string>): string {
  return JSON.stringify(object).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** FNV-1a of 32 bits, as Go's hash/fnv has it. */
export function fnv32a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
