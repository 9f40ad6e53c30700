/**
 * The compact notation in which OpenAPI schemas are kept: generated/openapi.json has it without texts, the built file
 * dist/openapi.json.gz with them.
 */

/** One schema; short keys, since there are 6,000 of them. Expanded by schemas.ts. */
export interface CompactSchema {
  /** A definition's name. Beside it stand at most `d` and `D`. */
  readonly $?: string;
  /** type */
  readonly t?: string;
  /** format */
  readonly f?: string;
  /** description: a number in `texts` */
  readonly d?: number;
  /** default */
  readonly D?: unknown;
  /** enum */
  readonly e?: CompactEnum;
  /** oneOf, each of a plain type */
  readonly o?: readonly string[];
  /** required */
  readonly r?: readonly string[];
  /** items */
  readonly i?: CompactSchema;
  /** additionalProperties */
  readonly a?: CompactSchema;
  /** x-kubernetes-list-type */
  readonly l?: string;
  /** x-kubernetes-list-map-keys */
  readonly m?: readonly string[];
  /** x-kubernetes-map-type */
  readonly M?: string;
  /** x-kubernetes-patch-strategy */
  readonly s?: string;
  /** x-kubernetes-patch-merge-key */
  readonly K?: string;
  /** x-kubernetes-unions */
  readonly u?: unknown;
  /** x-kubernetes-group-version-kind, as group, version, kind */
  readonly k?: readonly (readonly [string, string, string])[];
  /** properties */
  readonly p?: Readonly<Record<string, CompactSchema>>;
}

/** Values, the numbers of their texts (0: none), and how many blank lines part the list from the description. */
export type CompactEnum = readonly [values: readonly string[], texts: readonly number[], blankLines: number];

/** A query parameter: its type and the number of its text. */
export type CompactParameter = readonly [type: string, text: number];

export interface CompactOpenApi {
  readonly schemas: Readonly<Record<string, CompactSchema>>;
  /** By the kind of the options that they belong to; `''` are those of ordinary requests, `patch` those of PATCH. */
  readonly parameters: Readonly<Record<string, Readonly<Record<string, CompactParameter>>>>;
  /** `resource` or `resource.group` of what DELETE answers with. */
  readonly returnedOnDelete: readonly string[];
  /** Fingerprints of texts with the gaps between their words; in the built file the texts. */
  readonly texts: (string | readonly [print: string, ...gaps: (number | string)[]])[];
}

/** As built: with texts. */
export interface OpenApiData extends Omit<CompactOpenApi, 'texts'> {
  readonly texts: readonly string[];
}
