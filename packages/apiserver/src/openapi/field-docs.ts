/** The documentation of single fields, e.g. for the columns of tables. */
import { loadOpenApiData } from './data.ts';
import type { CompactSchema } from './notation.ts';

/** @returns the text of `field` of `type` (`io.k8s.api.core.v1.Pod`); '' where there is none */
export type FieldDocs = (type: string, field: string) => string;

/** Reads all texts once. What is returned holds them: keep the few that are needed, and let it go. */
export async function loadFieldDocs(): Promise<FieldDocs> {
  const { schemas, texts } = await loadOpenApiData();
  return (type, field) => {
    const property: CompactSchema | undefined = schemas[type]?.p?.[field];
    return texts[property?.d ?? 0] ?? '';
  };
}
