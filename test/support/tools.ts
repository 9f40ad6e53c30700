import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** The programs that scripts/tools.sh fetches. */
export type Tool = 'kubectl' | 'etcd' | 'prometheus' | 'containerd' | 'nft';

/** The path of a program that tests drive: `KEELSON_ETCD` and the like, or the one that was fetched. @throws Error with the reason when there is none */
export function tool(name: Tool): string {
  const reason = missing(name);
  if (reason !== undefined) throw new Error(reason);
  return override(name) ?? join(root, '.tools/root/usr/bin', name);
}

/** Why a program is not there, undefined when it is. */
export function missing(name: Tool | 'python3-kubernetes'): string | undefined {
  if (override(name) !== undefined) return undefined;
  if (existsSync(join(root, '.tools/missing', name)))
    return readFileSync(join(root, '.tools/missing', name), 'utf8').trim();
  return existsSync(join(root, '.tools/root')) ? undefined : "not fetched yet: run 'sh scripts/tools.sh'";
}

function override(name: string): string | undefined {
  return process.env[`KEELSON_${name.toUpperCase()}`];
}

/** Runs Debian's Python with its Kubernetes client. */
export const python = join(root, 'scripts/python.sh');

/** A file of what was fetched, by its path on a machine that has it installed. */
export const fetched = (path: string) => join(root, '.tools/root', path);
