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

const UNESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries(ESCAPES).map(([plain, escaped]) => [escaped, plain]),
);

/** What {@link escapeName} has escaped: `foo__dash__bar` → `foo-bar`; undefined for what it cannot have made. */
export function unescapeName(escaped: string): string | undefined {
  let isName = true;
  const name = escaped.replace(/__[^_]+__/g, (part) => {
    const plain = UNESCAPES.get(part);
    if (plain !== undefined) return plain;
    const word = part.slice(2, -2);
    isName &&= RESERVED.has(word) && part.length === escaped.length;
    return word;
  });
  return isName ? name : undefined;
}
