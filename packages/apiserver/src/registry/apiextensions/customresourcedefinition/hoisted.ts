/**
 * What versions of a resource have in common stands above them in upstream's internal type, and errors speak of it
 * there: `spec.validation`, not `spec.versions[0].schema`.
 */
import { semanticEqual } from '@keelson/api/codec/equality';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  CustomResourceValidation,
  SelectableField,
} from '@keelson/api/generated/types/apiextensions/v1';

export interface HoistedSpec {
  /** The first one's name. */
  readonly version: string;
  readonly versions: readonly CustomResourceDefinitionVersion[];
  readonly validation: CustomResourceValidation | undefined;
  readonly subresources: CustomResourceSubresources | undefined;
  readonly additionalPrinterColumns: readonly CustomResourceColumnDefinition[];
  readonly selectableFields: readonly SelectableField[];
}

const FIELDS = ['subresources', 'schema', 'additionalPrinterColumns', 'selectableFields'] as const;

export function hoist(spec: CustomResourceDefinitionSpec): HoistedSpec {
  const versions = spec.versions ?? [];
  const [first] = versions;
  const common = first ? FIELDS.filter((field) => versions.every((v) => semanticEqual(v[field], first[field]))) : [];
  const shared = <F extends (typeof FIELDS)[number]>(field: F) => (common.includes(field) ? first?.[field] : undefined);
  return {
    version: first?.name ?? '',
    versions: versions.map((version) => {
      const own = { ...version };
      for (const field of common) delete own[field];
      return own;
    }),
    validation: shared('schema'),
    subresources: shared('subresources'),
    additionalPrinterColumns: shared('additionalPrinterColumns') ?? [],
    selectableFields: shared('selectableFields') ?? [],
  };
}
