/** The variables of a container (pkg/kubelet/kubelet_pods.go, makeEnvironmentVariables). */
import type { Container, EnvVar, Node, Service } from '@keelson/api/generated/types/core/v1';
import { expand } from './expansion.ts';
import { type FieldContext, fieldValue, resourceValue } from './fields.ts';
import { type ObjectReader, optional } from './objects.ts';
import { serviceEnv } from './services.ts';

export interface EnvironmentContext extends FieldContext {
  readonly container: Container;
  readonly objects: ObjectReader;
  readonly services: Iterable<Service>;
  readonly node: Node | undefined;
  /** A value of a file in one of the pod's volumes; undefined where the file does not have it. */
  fileValue(volume: string, path: string, key: string): Promise<string | undefined>;
}

/** Those of `envFrom`, of `env`, and of services, later ones in the place of earlier ones. @throws Error for what is missing */
export async function environmentOf(context: EnvironmentContext): Promise<Map<string, string>> {
  const { container, pod, services } = context;
  const links = serviceEnv(services, pod.metadata.namespace ?? '', pod.spec?.enableServiceLinks ?? true);
  const env = await fromObjects(context);
  const lookup = (name: string) => env.get(name) ?? links.get(name);
  for (const variable of container.env ?? []) {
    const value = variable.value ? expand(variable.value, lookup) : await sourced(variable, context);
    if (value !== undefined) env.set(variable.name, value);
  }
  for (const [name, value] of links) if (!env.has(name)) env.set(name, value);
  return env;
}

async function fromObjects({ container, pod, objects }: EnvironmentContext): Promise<Map<string, string>> {
  const env = new Map<string, string>();
  const namespace = pod.metadata.namespace ?? '';
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef) {
      const found = await optional(
        objects.get('configmaps', namespace, configMapRef.name ?? ''),
        configMapRef.optional,
      );
      for (const [key, value] of Object.entries(found?.data ?? {})) env.set(prefix + key, value);
    } else if (secretRef) {
      const found = await optional(objects.get('secrets', namespace, secretRef.name ?? ''), secretRef.optional);
      for (const [key, value] of Object.entries(found?.data ?? {})) env.set(prefix + key, decode(value));
    }
  }
  return env;
}

/** @returns undefined for a variable that is not there, and need not be */
async function sourced({ valueFrom, value = '' }: EnvVar, context: EnvironmentContext): Promise<string | undefined> {
  if (!valueFrom) return value;
  const { pod, container, objects, node } = context;
  const namespace = pod.metadata.namespace ?? '';
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
  if (fieldRef) return fieldValue(fieldRef, context);
  if (resourceFieldRef) return resourceValue(resourceFieldRef, pod, container, node);
  if (configMapKeyRef) {
    const { name = '', key, optional: may } = configMapKeyRef;
    const found = await optional(objects.get('configmaps', namespace, name), may);
    return found && present(found.data?.[key], may, `couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
  }
  if (secretKeyRef) {
    const { name = '', key, optional: may } = secretKeyRef;
    const found = await optional(objects.get('secrets', namespace, name), may);
    const bytes = found && present(found.data?.[key], may, `couldn't find key ${key} in Secret ${namespace}/${name}`);
    return bytes === undefined ? undefined : decode(bytes);
  }
  if (fileKeyRef) {
    const { volumeName, path, key, optional: may } = fileKeyRef;
    const found = await context.fileValue(volumeName, path, key);
    return present(found, may, `environment variable key "${key}" not found in file "${path}"`);
  }
  return '';
}

function present(value: string | undefined, may: boolean | undefined, complaint: string): string | undefined {
  if (value === undefined && !may) throw new Error(complaint);
  return value;
}

const decode = (base64: string) => Buffer.from(base64, 'base64').toString();

/** Reads `KEY='value'` lines (component-helpers/kubelet/util/env): what an init container leaves for others. */
export function parseEnvFile(text: string, key: string): string | undefined {
  const line = new RegExp(
    `^\\s*(?:export\\s+)?${key.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}=(?:'([^']*)'|"([^"]*)"|(.*?))\\s*$`,
    'm',
  );
  const [, single, double, bare] = line.exec(text) ?? [];
  return single ?? double ?? bare;
}
