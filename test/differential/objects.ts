/** The objects from which the mutants are made: valid ones of every kind (objects/*.yaml), and upstream's fixtures. */
import fs from 'node:fs';
import path from 'node:path';
import { fixtures } from '@keelson/api/codec/testing';
import { type KubeObject, parseApiVersion } from '@keelson/api/object';
import { type StructType, typeOfKind } from '@keelson/api/schema';
import { loadAll } from 'js-yaml';

/** The namespace in which everything happens; cluster-scoped objects have it in their names. */
export const NAMESPACE = 'differential';

export interface Seed {
  /** `pods/full` */
  readonly name: string;
  readonly object: KubeObject;
  readonly type: StructType;
}

const DIRECTORY = path.join(import.meta.dirname, 'objects');
const REQUEST = fs.readFileSync(path.join(DIRECTORY, 'request.pem'));
const VARIABLES: Readonly<Record<string, string>> = {
  $NS: NAMESPACE,
  $ID: NAMESPACE,
  $CSR: REQUEST.toString('base64'),
};

/** `$NS`, `$ID` and `$CSR` in the files stand for the namespace, a name and a certificate request. */
export function seeds(): Seed[] {
  const files = fs.readdirSync(DIRECTORY).filter((name) => name.endsWith('.yaml'));
  return files.flatMap((file) => {
    const text = fs.readFileSync(path.join(DIRECTORY, file), 'utf8');
    const documents = loadAll(text.replaceAll(/\$(NS|ID|CSR)\b/g, (name) => VARIABLES[name]!)) as KubeObject[];
    return documents.map(seedOf);
  });
}

function seedOf(object: KubeObject): Seed {
  const { apiVersion = '', kind = '' } = object;
  const { group, version } = parseApiVersion(apiVersion);
  const type = typeOfKind(group, version, kind);
  if (!type) throw new Error(`no kind ${apiVersion} ${kind}`);
  return { name: `${kind}/${object.metadata.name}`, object, type };
}

/**
 * Upstream's fixtures of every kind: every field holds something, seldom what is valid. Their metadata is such that
 * servers look at the rest.
 */
export function fixtureSeeds(): Seed[] {
  return fixtures().flatMap(({ name, type, json }) => {
    const object = JSON.parse(json.toString()) as Partial<KubeObject>;
    if (!object.metadata || !type) return [];
    const { labels, annotations, ownerReferences } = object.metadata;
    const metadata = { name: 'fixture', labels, annotations, ownerReferences } as KubeObject['metadata'];
    return [{ name: `fixture/${name}`, object: { ...object, metadata }, type }];
  });
}
