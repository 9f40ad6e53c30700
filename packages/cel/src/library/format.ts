/** Formats by name: `format.dns1123Label().validate(text)` (k8s.io/apiserver/pkg/cel/library/format.go). */
import {
  isQualifiedName,
  isValidLabelValue,
  nameIsDNS1035Label,
  nameIsDNSLabel,
  nameIsDNSSubdomain,
} from '@keelson/api/validation/names';
import { exactly, PATTERN, scaled, TRAVERSAL } from '../cost/range.ts';
import type { Declarations } from '../environment.ts';
import { matching } from '../eval/cost.ts';
import { parseTimestamp } from '../eval/time.ts';
import { ArrayList, OptionalValue } from '../eval/values.ts';
import { listType, optionalType, StringType } from '../types/type.ts';
import { fixedCost } from './costs.ts';
import { fn, member, overload } from './declare.ts';
import { problemOfRequestUri } from './go-url.ts';
import { objectType, Wrapped } from './opaque.ts';

interface Format {
  readonly name: string;
  /** What is wrong with a text. */
  readonly validate: (text: string) => readonly string[];
  /** The length of a pattern that would do the same. */
  readonly patternSize: number;
}

const FormatType = objectType('kubernetes.NamedFormat');
/** The longest of the patterns, by which validation is estimated. */
const MAX_PATTERN = 128;

class FormatValue extends Wrapped<Format> {
  readonly type = FormatType;
  protected key(): string {
    return this.value.name;
  }
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const BASE64 = /^(?!$)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function simple(holds: (text: string) => boolean, problem: string): (text: string) => readonly string[] {
  return (text) => (holds(text) ? [] : [problem]);
}

const FORMATS: Readonly<Record<string, Format>> = {
  dns1123Label: { name: 'DNS1123Label', validate: (text) => nameIsDNSLabel(text, false), patternSize: 30 },
  dns1123Subdomain: { name: 'DNS1123Subdomain', validate: (text) => nameIsDNSSubdomain(text, false), patternSize: 60 },
  dns1035Label: { name: 'DNS1035Label', validate: (text) => nameIsDNS1035Label(text, false), patternSize: 30 },
  qualifiedName: { name: 'QualifiedName', validate: isQualifiedName, patternSize: 60 },
  dns1123LabelPrefix: { name: 'DNS1123LabelPrefix', validate: (text) => nameIsDNSLabel(text, true), patternSize: 30 },
  dns1123SubdomainPrefix: {
    name: 'DNS1123SubdomainPrefix',
    validate: (text) => nameIsDNSSubdomain(text, true),
    patternSize: 60,
  },
  dns1035LabelPrefix: {
    name: 'DNS1035LabelPrefix',
    validate: (text) => nameIsDNS1035Label(text, true),
    patternSize: 30,
  },
  labelValue: { name: 'LabelValue', validate: isValidLabelValue, patternSize: 40 },
  uri: {
    name: 'URI',
    validate: (text) => {
      const problem = problemOfRequestUri(text);
      return problem === undefined ? [] : [problem];
    },
    patternSize: 1103,
  },
  uuid: {
    name: 'uuid',
    validate: simple((text) => UUID.test(text), 'does not match the UUID format'),
    patternSize: 70,
  },
  byte: { name: 'byte', validate: simple((text) => BASE64.test(text), 'invalid base64'), patternSize: 84 },
  date: {
    name: 'date',
    validate: simple((text) => parseTimestamp(`${text}T00:00:00Z`) !== undefined, 'invalid date'),
    patternSize: 71,
  },
  datetime: {
    name: 'datetime',
    validate: simple((text) => parseTimestamp(text.toUpperCase().replace(' ', 'T')) !== undefined, 'invalid datetime'),
    patternSize: 71,
  },
};

const values = new Map(Object.entries(FORMATS).map(([name, format]) => [name, new FormatValue(format)] as const));

function validate({ value }: FormatValue, text: string): OptionalValue {
  const problems = value.validate(text);
  return problems.length === 0 ? OptionalValue.NONE : new OptionalValue(new ArrayList(problems));
}

export const FORMAT: Declarations = {
  functions: [
    ...[...values].map(([name, value]) =>
      fn(`format.${name}`, [overload(`format.${name}`, [], FormatType, () => value)]),
    ),
    fn(
      'format.named',
      [
        overload('format-named', [StringType], optionalType(FormatType), (name: string) => {
          const value = values.get(name);
          return value ? new OptionalValue(value) : OptionalValue.NONE;
        }),
      ],
      { cost: fixedCost(1) },
    ),
    fn(
      'validate',
      [member('format-validate', [FormatType, StringType], optionalType(listType(StringType)), validate)],
      {
        cost: {
          estimate: ({ args: [text] }) =>
            text ? { cost: scaled(scaled(text.size, TRAVERSAL), MAX_PATTERN * PATTERN) } : { cost: exactly(1) },
          actual: ([format = null, text = null]) =>
            format instanceof FormatValue ? matching(text, format.value.patternSize) : undefined,
        },
      },
    ),
  ],
};
