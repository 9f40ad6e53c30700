/**
 * Definitions as kube-apiserver stores them: in v1beta1, which nobody serves any more, with what all versions have in common
 * above them (apiextensions-apiserver/pkg/apis/apiextensions/{v1beta1,v1}/conversion.go, v1beta1/defaults.go).
 */
import type {
  CustomResourceColumnDefinition,
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  CustomResourceValidation,
  SelectableField,
  WebhookClientConfig,
} from '@keelson/api/generated/types/apiextensions/v1';
import type { KubeObject } from '@keelson/api/object';
import { setDefaults } from './defaults.ts';

type StoredColumn = Omit<CustomResourceColumnDefinition, 'jsonPath'> & { readonly JSONPath: string };

/** What a version has of its own, or all of them in common. */
interface StoredParts {
  readonly validation?: CustomResourceValidation;
  readonly subresources?: CustomResourceSubresources;
  readonly additionalPrinterColumns?: readonly StoredColumn[];
  readonly selectableFields?: SelectableField[];
}

interface StoredVersion
  extends Omit<CustomResourceDefinitionVersion, 'additionalPrinterColumns'>,
    Pick<StoredParts, 'additionalPrinterColumns'> {}

interface StoredConversion {
  readonly strategy: string;
  readonly webhookClientConfig?: WebhookClientConfig;
  readonly conversionReviewVersions?: string[];
}

interface StoredSpec extends StoredParts, Pick<CustomResourceDefinitionSpec, 'group' | 'names'> {
  readonly version?: string;
  readonly versions?: readonly StoredVersion[];
  readonly scope?: string;
  readonly conversion?: StoredConversion;
  readonly preserveUnknownFields?: boolean;
}

/** @param object a definition in v1beta1 @returns the same in v1, with its defaults */
export function fromV1beta1(object: KubeObject): KubeObject {
  const { spec, status, ...rest } = object as unknown as Omit<CustomResourceDefinition, 'spec'> & { spec: StoredSpec };
  const definition: CustomResourceDefinition = {
    ...rest,
    apiVersion: 'apiextensions.k8s.io/v1',
    spec: specOf(spec),
    status: status ?? { conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions: null },
  };
  setDefaults(definition);
  return definition as unknown as KubeObject;
}

function specOf(stored: StoredSpec): CustomResourceDefinitionSpec {
  const { group, names, scope = 'Namespaced', version, conversion, preserveUnknownFields = true } = stored;
  const only = version ? [{ name: version, served: true, storage: true }] : [];
  const versions = stored.versions?.length ? stored.versions : only;
  return {
    group,
    names,
    scope,
    versions: versions.map((each) => versionOf(each, stored)),
    ...(conversion ? { conversion: conversionOf(conversion) } : {}),
    ...(preserveUnknownFields ? { preserveUnknownFields } : {}),
  };
}

function versionOf(own: StoredVersion, common: StoredParts): CustomResourceDefinitionVersion {
  const { name, served, storage, deprecated, deprecationWarning } = own;
  const schema = common.validation ?? own.schema;
  const subresources = common.subresources ?? own.subresources;
  const columns = common.additionalPrinterColumns ?? own.additionalPrinterColumns;
  const selectableFields = common.selectableFields ?? own.selectableFields;
  return {
    name,
    served,
    storage,
    ...(deprecated ? { deprecated } : {}),
    ...(deprecationWarning === undefined ? {} : { deprecationWarning }),
    ...(schema ? { schema: structuredClone(schema) } : {}),
    ...(subresources ? { subresources: structuredClone(subresources) } : {}),
    ...(columns ? { additionalPrinterColumns: columns.map(columnOf) } : {}),
    ...(selectableFields ? { selectableFields: structuredClone(selectableFields) } : {}),
  };
}

function columnOf({ JSONPath: jsonPath, ...column }: StoredColumn): CustomResourceColumnDefinition {
  return { ...column, jsonPath };
}

function conversionOf(stored: StoredConversion): CustomResourceConversion {
  const { strategy, webhookClientConfig: clientConfig } = stored;
  const isWebhook = strategy === 'Webhook';
  const reviewVersions = stored.conversionReviewVersions?.length ? stored.conversionReviewVersions : undefined;
  const conversionReviewVersions = reviewVersions ?? (isWebhook ? ['v1beta1'] : []);
  if (!clientConfig && conversionReviewVersions.length === 0) return { strategy };
  return { strategy, webhook: { ...(clientConfig ? { clientConfig } : {}), conversionReviewVersions } };
}
