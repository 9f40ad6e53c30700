/**
 * The rules for names, labels, keys and the like (k8s.io/apimachinery/pkg/util/validation and
 * k8s.io/apimachinery/pkg/api/validate/content).
 *
 * A check takes the value and returns what is wrong with it, in upstream's words; nothing when it is valid.
 * Lengths count UTF-8 bytes. The expressions that run accept the same strings as those that the messages show, but none of
 * them can backtrack: names come from anyone and may be megabytes long.
 */

type Problems = string[];

const LABEL_MAX = 63;
const SUBDOMAIN_MAX = 253;

interface Rule {
  readonly matches: RegExp;
  /** What the message says the rule is. */
  readonly says: string;
  /** The expression that the message shows. */
  readonly shows: string;
  readonly examples: readonly string[];
}

const SHOWN_DNS_LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SHOWN_SUBDOMAIN = `${SHOWN_DNS_LABEL}(\\.${SHOWN_DNS_LABEL})*`;
const SHOWN_UNDERSCORE_LABEL = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const SHOWN_LABEL_KEY = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';

const DNS_LABEL: Rule = {
  matches: /^[a-z0-9]+(?:-+[a-z0-9]+)*$/,
  says: "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  shows: SHOWN_DNS_LABEL,
  examples: ['my-name', '123-abc'],
};
const DNS_SUBDOMAIN: Rule = {
  matches: /^[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)*$/,
  says: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  shows: SHOWN_SUBDOMAIN,
  examples: ['example.com'],
};
const DNS_SUBDOMAIN_CASELESS: Rule = {
  matches: /^[a-z0-9]+(?:-+[a-z0-9]+)*(?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)*$/i,
  says: "an RFC 1123 subdomain must consist of alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  shows: SHOWN_SUBDOMAIN,
  examples: ['Example.com'],
};
const DNS_SUBDOMAIN_UNDERSCORE: Rule = {
  matches: /^_?[a-z0-9]+(?:[-_]+[a-z0-9]+)*(?:\._?[a-z0-9]+(?:[-_]+[a-z0-9]+)*)*$/,
  says: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
  shows: `${SHOWN_UNDERSCORE_LABEL}(\\.${SHOWN_UNDERSCORE_LABEL})*`,
  examples: ['example.com'],
};
const WILDCARD_SUBDOMAIN: Rule = {
  matches: /^\*(?:\.[a-z0-9]+(?:-+[a-z0-9]+)*)+$/,
  says: "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  shows: `\\*\\.${SHOWN_SUBDOMAIN}`,
  examples: ['*.example.com'],
};
const DNS_1035_LABEL: Rule = {
  matches: /^[a-z][a-z0-9]*(?:-+[a-z0-9]+)*$/,
  says: "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  shows: '[a-z]([-a-z0-9]*[a-z0-9])?',
  examples: ['my-name', 'abc-123'],
};
const LABEL_KEY: Rule = {
  matches: /^[A-Za-z0-9]+(?:[-_.]+[A-Za-z0-9]+)*$/,
  says: "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  shows: SHOWN_LABEL_KEY,
  examples: ['MyName', 'my.name', '123-abc'],
};
const LABEL_VALUE: Rule = {
  matches: /^(?:[A-Za-z0-9]+(?:[-_.]+[A-Za-z0-9]+)*)?$/,
  says: "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  shows: `(${SHOWN_LABEL_KEY})?`,
  examples: ['MyValue', 'my_value', '12345'],
};
const C_IDENTIFIER: Rule = {
  matches: /^[A-Za-z_][A-Za-z0-9_]*$/,
  says: "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  shows: '[A-Za-z_][A-Za-z0-9_]*',
  examples: ['my_name', 'MY_NAME', 'MyName'],
};
const PERCENT: Rule = {
  matches: /^[0-9]+%$/,
  says: "a valid percent string must be a numeric string followed by an ending '%'",
  shows: '[0-9]+%',
  examples: ['1%', '93%'],
};
const HTTP_HEADER: Rule = {
  matches: /^[-A-Za-z0-9]+$/,
  says: "a valid HTTP header must consist of alphanumeric characters or '-'",
  shows: '[-A-Za-z0-9]+',
  examples: ['X-Header-Name'],
};
const CONFIG_MAP_KEY: Rule = {
  matches: /^[-._a-zA-Z0-9]+$/,
  says: "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  shows: '[-._a-zA-Z0-9]+',
  examples: ['key.name', 'KEY_NAME', 'key-name'],
};
const HTTP_PATH: Rule = {
  matches: /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/,
  says: 'Invalid path',
  shows: "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+",
  examples: [],
};

/** `must be no more than 63 characters`; the newer checks of upstream say `bytes`. */
function maxLenMessage(max: number, unit: 'characters' | 'bytes' = 'characters'): string {
  return `must be no more than ${max} ${unit}`;
}

export const emptyMessage = 'must be non-empty';

/** `must be between 1 and 65535, inclusive` */
export function inclusiveRangeMessage(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

/** `<what is wrong> (e.g. 'a',  or 'b', regex used for validation is '…')` */
export function regexMessage(says: string, expression: string, ...examples: readonly string[]): string {
  const used = `regex used for validation is '${expression}'`;
  return examples.length === 0
    ? `${says} (${used})`
    : `${says} (e.g. ${examples.map((e) => `'${e}', `).join(' or ')}${used})`;
}

function explain(rule: Rule): string {
  return regexMessage(rule.says, rule.shows, ...rule.examples);
}

function longerThan(value: string, max: number): boolean {
  return value.length > max || (value.length * 3 > max && Buffer.byteLength(value) > max);
}

function check(value: string, rule: Rule, max = Number.POSITIVE_INFINITY, unit?: 'characters' | 'bytes'): Problems {
  const problems: Problems = [];
  if (longerThan(value, max)) problems.push(maxLenMessage(max, unit));
  if (!rule.matches.test(value)) problems.push(explain(rule));
  return problems;
}

/**
 * A label or annotation key: `name` or `prefix/name`. Upstream's IsQualifiedName. Annotation keys are lowered by the caller
 * first, since their case does not matter.
 */
export function isQualifiedName(value: string): Problems {
  const parts = value.split('/', 3);
  if (parts.length > 2)
    return [
      `a valid label key ${explain(LABEL_KEY)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  const problems: Problems = [];
  const name = parts.at(-1)!;
  if (parts.length === 2) {
    const prefix = parts[0]!;
    if (prefix === '') problems.push(`prefix part ${emptyMessage}`);
    else for (const p of check(prefix, DNS_SUBDOMAIN, SUBDOMAIN_MAX, 'bytes')) problems.push(`prefix part ${p}`);
  }
  if (name === '') problems.push(`name part ${emptyMessage}`);
  for (const p of check(name, LABEL_KEY, LABEL_MAX, 'bytes')) problems.push(`name part ${p}`);
  return problems;
}

export function isValidLabelValue(value: string): Problems {
  return check(value, LABEL_VALUE, LABEL_MAX, 'bytes');
}

export function isDNS1123Label(value: string): Problems {
  return dnsLabel(value, 'characters');
}

/** The same as isDNS1123Label, but its message counts in bytes: what declarative validation says. */
export function isShortName(value: string): Problems {
  return dnsLabel(value, 'bytes');
}

function dnsLabel(value: string, unit: 'characters' | 'bytes'): Problems {
  const problems: Problems = [];
  if (longerThan(value, LABEL_MAX)) problems.push(maxLenMessage(LABEL_MAX, unit));
  if (!DNS_LABEL.matches.test(value))
    problems.push(DNS_SUBDOMAIN.matches.test(value) ? 'must not contain dots' : explain(DNS_LABEL));
  return problems;
}

export function isDNS1123Subdomain(value: string): Problems {
  return check(value, DNS_SUBDOMAIN, SUBDOMAIN_MAX);
}

/** The same as isDNS1123Subdomain, but its message counts in bytes: what declarative validation says. */
export function isLongName(value: string): Problems {
  return check(value, DNS_SUBDOMAIN, SUBDOMAIN_MAX, 'bytes');
}

/** Driver names may be in upper case: what declarative validation calls a caseless long name. */
export function isLongNameCaseless(value: string): Problems {
  return check(value, DNS_SUBDOMAIN_CASELESS, SUBDOMAIN_MAX, 'bytes');
}

export function isDNS1123SubdomainWithUnderscore(value: string): Problems {
  return check(value, DNS_SUBDOMAIN_UNDERSCORE, SUBDOMAIN_MAX);
}

export function isWildcardDNS1123Subdomain(value: string): Problems {
  return check(value, WILDCARD_SUBDOMAIN, SUBDOMAIN_MAX);
}

export function isDNS1035Label(value: string): Problems {
  return check(value, DNS_1035_LABEL, LABEL_MAX);
}

export function isCIdentifier(value: string): Problems {
  return check(value, C_IDENTIFIER);
}

/** What may stand in the path of a URL (RFC 3986). */
export function isHTTPPath(value: string): Problems {
  return check(value, HTTP_PATH);
}

export function isHTTPHeaderName(value: string): Problems {
  return check(value, HTTP_HEADER);
}

/** `25%` */
export function isValidPercent(value: string): Problems {
  return check(value, PERCENT);
}

/** A key of a ConfigMap or a Secret: it becomes a file's name. */
export function isConfigMapKey(value: string): Problems {
  return [...check(value, CONFIG_MAP_KEY, SUBDOMAIN_MAX), ...leavesDirectory(value)];
}

/** Any printable ASCII but `=`. */
export function isRelaxedEnvVarName(value: string): Problems {
  const problems: Problems = [];
  if (value === '') problems.push(`environment variable name ${emptyMessage}`);
  if (!/^[\x20-\x3c\x3e-\x7e]*$/.test(value))
    problems.push("a valid environment variable name must consist only of printable ASCII characters other than '='");
  return problems;
}

function leavesDirectory(value: string): Problems {
  if (value === '.' || value === '..') return [`must not be '${value}'`];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
}

/** A name that can stand in a URL and in a storage key; the empty one passes. */
export function isPathSegmentName(name: string): Problems {
  return name === '.' || name === '..' ? [`may not be '${name}'`] : isPathSegmentPrefix(name);
}

/** The same for a generateName, to which something will be added. */
function isPathSegmentPrefix(name: string): Problems {
  return ['/', '%'].filter((c) => name.includes(c)).map((c) => `may not contain '${c}'`);
}

export function isInRange(value: number, low: number, high: number): Problems {
  return value >= low && value <= high ? [] : [inclusiveRangeMessage(low, high)];
}

export function isValidPortNum(port: number): Problems {
  return isInRange(port, 1, 65535);
}

/** User and group ids: libcontainer's limit. */
export function isValidUserID(id: number): Problems {
  return isInRange(id, 0, 2 ** 31 - 1);
}

/** An IANA service name (RFC 6335), lower case only. */
export function isValidPortName(port: string): Problems {
  const problems: Problems = [];
  if (longerThan(port, 15)) problems.push(maxLenMessage(15));
  if (!/^[-a-z0-9]+$/.test(port))
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(port)) problems.push('must contain at least one letter (a-z)');
  if (port.includes('--')) problems.push('must not contain consecutive hyphens');
  if (port.startsWith('-') || port.endsWith('-')) problems.push('must not begin or end with a hyphen');
  return problems;
}

/** `0`, `12`, `-3`; no sign `+`, no leading zeros. */
export function isDecimalInteger(value: string): Problems {
  if (value === '') return [emptyMessage];
  return /^(?:0|-?[1-9][0-9]*)$/.test(value) ? [] : ['must be a valid decimal integer in canonical form'];
}

/**
 * The name rule of a kind. `prefix` is true for a generateName: its last dash is then not the name's end.
 */
export type NameRule = (name: string, prefix: boolean) => Problems;

export const nameIsDNSSubdomain: NameRule = (name, prefix) =>
  isDNS1123Subdomain(prefix ? maskTrailingDash(name) : name);
export const nameIsDNSLabel: NameRule = (name, prefix) => isDNS1123Label(prefix ? maskTrailingDash(name) : name);
export const nameIsDNS1035Label: NameRule = (name, prefix) => isDNS1035Label(prefix ? maskTrailingDash(name) : name);
export const nameIsPathSegment: NameRule = (name, prefix) =>
  prefix ? isPathSegmentPrefix(name) : isPathSegmentName(name);

/** Upstream drops the character before the dash too: `a.-` passes as `aa`. */
function maskTrailingDash(name: string): string {
  return name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
}
