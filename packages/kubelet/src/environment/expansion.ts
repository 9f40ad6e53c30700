/** `$(NAME)` in commands, arguments and values (k8s.io/kubernetes/third_party/forked/golang/expansion). */
import type { EnvVar } from '@keelson/api/generated/types/core/v1';

/**
 * `$(NAME)` becomes what `lookup` finds and stays as it is where it finds nothing; `$$` is a dollar sign.
 * @param lookup undefined for a name that is not there
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$(\$|\(([^()]*)\))/g, (whole, what: string, name: string | undefined) => {
    if (what === '$') return '$';
    return lookup(name!) ?? whole;
  });
}

export function expandAll(texts: readonly string[], env: ReadonlyMap<string, string>): string[] {
  return texts.map((text) => expand(text, (name) => env.get(name)));
}

/** With what stands in the spec alone, as probes' commands are. */
export function expandStatic(command: readonly string[], env: readonly EnvVar[]): string[] {
  return expandAll(command, new Map(env.map(({ name, value = '' }) => [name, value])));
}
