/** Ports of one pod that get into each other's way. */

import { type Path, quote } from '@keelson/api/field';
import type { ContainerPort, PodSpec } from '@keelson/api/generated/types/core/v1';
import { containersWithPath } from './validation/visit.ts';

interface PlacedPort {
  readonly port: ContainerPort;
  readonly at: Path;
}

/** @param path of the spec */
export function warningsForPorts(spec: PodSpec, path: Path): string[] {
  const ports = containersWithPath(spec, path).flatMap(([container, at]) =>
    (container.ports ?? []).map((port, i) => ({ port, at: at.child('ports').index(i) })),
  );
  return [...warningsForOverlaps(ports), ...warningsForNames(ports)];
}

function warningsForOverlaps(ports: readonly PlacedPort[]): string[] {
  const seen = new Map<string, PlacedPort[]>();
  return ports.flatMap((placed) => {
    const { port, at } = placed;
    const key = `${port.containerPort}/${port.protocol}`;
    const others = seen.get(key) ?? [];
    seen.set(key, [...others, placed]);
    return [
      ...(port.hostIP && !port.hostPort ? [`${at}: hostIP set without hostPort: ${show(port)}`] : []),
      ...others.flatMap((other) => {
        const problem = overlap(port, other.port);
        return problem === undefined ? [] : [`${at}: ${problem} port definition with ${other.at}`];
      }),
    ];
  });
}

function overlap(a: ContainerPort, b: ContainerPort): string | undefined {
  const [portA, portB, ipA, ipB] = [a.hostPort ?? 0, b.hostPort ?? 0, a.hostIP ?? '', b.hostIP ?? ''];
  if (ipA === ipB && portA === portB) return 'duplicate';
  if (portA === 0 || portB === 0) return 'overlapping';
  return portA === portB && (ipA === '') !== (ipB === '') ? 'dangerously ambiguous' : undefined;
}

/** As Go's %+v prints the struct. */
function show({ name = '', hostPort = 0, containerPort, protocol = '', hostIP = '' }: ContainerPort): string {
  return `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;
}

function warningsForNames(ports: readonly PlacedPort[]): string[] {
  const first = new Map<string, Path>();
  return ports.flatMap(({ port: { name }, at }) => {
    if (!name) return [];
    const other = first.get(name);
    if (!other) {
      first.set(name, at);
      return [];
    }
    return [
      `${at}: duplicate port name ${quote(name)} with ${other}, services and probes that select ports by name will use ${other}`,
    ];
  });
}
