/** Names of properties as expressions write them (k8s.io/apiserver/pkg/cel/escaping.go). */

const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);
const ESCAPES: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};

/** Whether expressions cannot have it as a name: fields that are called so may be written as they are nonetheless. */
export function isReserved(name: string): boolean {
  return RESERVED.has(name);
}

/** `foo-bar` → `foo__dash__bar`, `namespace` → `__namespace__`; undefined for a name that expressions cannot have. */
export function escapeName(name: string): string | undefined {
  if (RESERVED.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_./-][A-Za-z0-9_./-]*$/.test(name)) return undefined;
  return name.replace(/__|[-./]/g, (part) => ESCAPES[part]!);
}
