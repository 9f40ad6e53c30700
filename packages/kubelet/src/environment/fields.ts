/** What a pod may say of itself to its containers: fields and resources (the downward API). */
import type {
  Container,
  Node,
  ObjectFieldSelector,
  Pod,
  ResourceFieldSelector,
} from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { containersOf } from '../pods/spec.ts';

/** What is known when a container starts, whatever the pod's status says. */
export interface FieldContext {
  readonly pod: Pod;
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
}

/** @throws Error for a field that there is not */
export function fieldValue({ fieldPath }: ObjectFieldSelector, { pod, podIps, hostIps }: FieldContext): string {
  const { metadata, spec } = pod;
  const [, map, key] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath) ?? [];
  if (map === 'labels' || map === 'annotations') return metadata[map]?.[key!] ?? '';
  switch (fieldPath) {
    case 'metadata.name':
      return metadata.name ?? '';
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    case 'metadata.uid':
      return metadata.uid ?? '';
    case 'metadata.labels':
      return formatMap(metadata.labels ?? {});
    case 'metadata.annotations':
      return formatMap(metadata.annotations ?? {});
    case 'spec.nodeName':
      return spec?.nodeName ?? '';
    case 'spec.serviceAccountName':
      return spec?.serviceAccountName ?? '';
    case 'status.hostIP':
      return hostIps[0] ?? '';
    case 'status.hostIPs':
      return hostIps.join(',');
    case 'status.podIP':
      return podIps[0] ?? '';
    case 'status.podIPs':
      return podIps.join(',');
  }
  throw new Error(`unsupported fieldPath: ${fieldPath}`);
}

/** `key="value"` lines in order, values quoted as Go quotes. */
function formatMap(map: Readonly<Record<string, string>>): string {
  const lines = Object.entries(map).map(([key, value]) => `${key}=${quote(value)}`);
  return lines.sort().join('\n');
}

function quote(text: string): string {
  const named: Record<string, string> = {
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\v': '\\v',
    '\f': '\\f',
    '\b': '\\b',
    '\x07': '\\a',
  };
  const escaped = text.replace(/["\\]|\p{Cc}/gu, (c) => {
    if (c === '"' || c === '\\') return `\\${c}`;
    const code = c.charCodeAt(0);
    return (
      named[c] ??
      (code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`)
    );
  });
  return `"${escaped}"`;
}

/**
 * The amount in units of the divisor, rounded up. A limit that is not set is that of the pod as a whole, or what the node
 * can give (pkg/kubelet/kubelet_resources.go).
 * @throws Error for a resource or a container that there is not
 */
export function resourceValue(
  selector: ResourceFieldSelector,
  pod: Pod,
  own: Container | undefined,
  node: Node | undefined,
): string {
  const { containerName, resource, divisor } = selector;
  const container = containerName ? containersOf(pod).find(({ spec }) => spec.name === containerName)?.spec : own;
  if (!container) throw new Error(`container ${containerName ?? ''} not found`);
  const [kind, name] = split(resource);
  const stated = container.resources?.[kind]?.[name];
  const isLimited = stated !== undefined && !Quantity.parse(stated).isZero();
  const ifNone = kind === 'limits' && DEFAULTED.has(name) && !isLimited ? defaultLimit(name, pod, node) : undefined;
  const amount = Quantity.parse(ifNone ?? stated ?? '0');
  const unit = Quantity.parse(divisor && divisor !== '0' ? divisor : '1');
  const [of, by] = name === 'cpu' ? [amount.milliValue(), unit.milliValue()] : [amount.value(), unit.value()];
  return String((of + by - 1n) / by);
}

const DEFAULTED = new Set(['cpu', 'memory', 'ephemeral-storage']);

function defaultLimit(name: string, { spec }: Pod, node: Node | undefined): string | undefined {
  const ofNode = node?.status?.allocatable?.[name];
  const ofPod = name === 'ephemeral-storage' ? undefined : spec?.resources?.limits?.[name];
  return ofNode !== undefined && ofPod !== undefined && !Quantity.parse(ofPod).isZero() ? ofPod : ofNode;
}

function split(resource: string): ['limits' | 'requests', string] {
  const [, kind, name] = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(resource) ?? [];
  if (!kind || !name) throw new Error(`unsupported container resource : ${resource}`);
  return [kind as 'limits' | 'requests', name];
}
