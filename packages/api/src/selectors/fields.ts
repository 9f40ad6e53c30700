/** Field selectors: `metadata.name=a,status.phase!=Running` (k8s.io/apimachinery/pkg/fields/selector.go). */

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** Requirements that must all hold. A field that an object does not have is the empty string. */
export class FieldSelector {
  readonly requirements: readonly FieldRequirement[];

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements;
  }

  get empty(): boolean {
    return this.requirements.length === 0;
  }

  matches(fields: Readonly<Record<string, string>>): boolean {
    return this.requirements.every((r) => ((fields[r.field] ?? '') === r.value) === (r.operator === '='));
  }

  /** The value that a field must have, if the selector demands one. */
  requiredValue(field: string): string | undefined {
    return this.requirements.find((r) => r.field === field && r.operator === '=')?.value;
  }

  /** The same with other names for the fields; what `rename` throws, it throws. */
  mapFields(rename: (field: string) => string): FieldSelector {
    return new FieldSelector(this.requirements.map((r) => ({ ...r, field: rename(r.field) })));
  }

  toString(): string {
    return this.requirements.map((r) => `${r.field}${r.operator}${escapeValue(r.value)}`).join(',');
  }
}

/** @throws Error with upstream's words, which clients see behind a 400 */
export function parseFieldSelector(text: string): FieldSelector {
  const terms = text.match(/(?:\\[\s\S]|\\$|[^,\\])+/g) ?? [];
  const requirements = terms.sort().map((term): FieldRequirement => {
    const match = /^([\s\S]*?)(!=|==|=)([\s\S]*)$/.exec(term);
    if (!match) throw new Error(`invalid selector: '${text}'; can't understand '${term}'`);
    return { field: match[1]!, operator: match[2] === '!=' ? '!=' : '=', value: unescapeValue(match[3]!) };
  });
  // A term without field and value asks for nothing.
  return new FieldSelector(requirements.filter((r) => r.field !== '' || r.value !== ''));
}

function unescapeValue(value: string): string {
  return value.replace(/\\([\s\S]?)|[,=]/g, (found, escaped: string | undefined) => {
    if (escaped === undefined) {
      throw new Error(`invalid field selector: unescaped character in value: ${found.charCodeAt(0)}`);
    }
    if (!/^[\\,=]$/.test(escaped)) throw new Error(`invalid field selector: invalid escape sequence: ${found}`);
    return escaped;
  });
}

function escapeValue(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}
