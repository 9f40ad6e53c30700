/** The health check of gRPC (grpc.health.v1), with upstream's words (k8s.io/kubernetes/pkg/probe/grpc). */
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { ProbeOutcome } from './run.ts';

const SERVING = 1;
const NAMES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

export function probeGrpc(host: string, service: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const client = new Client(address, credentials.createInsecure(), { 'grpc.primary_user_agent': 'kube-probe/1.36' });
  const { promise, resolve } = Promise.withResolvers<ProbeOutcome>();
  client.makeUnaryRequest<string, number>(
    '/grpc.health.v1.Health/Check',
    encodeRequest,
    decodeStatus,
    service,
    new Metadata(),
    { deadline: new Date(Date.now() + timeoutMs) },
    (error, value) => resolve(error ? failed(error, address, timeoutMs) : outcomeOf(value ?? 0)),
  );
  return promise.finally(() => client.close());
}

function outcomeOf(value: number): ProbeOutcome {
  if (value === SERVING) return { type: 'success', output: 'service healthy' };
  return { type: 'failure', output: `service unhealthy (responded with "${NAMES[value] ?? value}")` };
}

function failed(error: ServiceError, address: string, timeoutMs: number): ProbeOutcome {
  const seconds = `${timeoutMs / 1000}s`;
  switch (error.code) {
    case status.UNIMPLEMENTED:
      return {
        type: 'failure',
        output: 'this server does not implement the grpc health protocol (grpc.health.v1.Health)',
      };
    case status.DEADLINE_EXCEEDED:
      return { type: 'failure', output: `timeout: health rpc did not complete within ${seconds}` };
    case status.UNAVAILABLE:
      return {
        type: 'failure',
        output: `timeout: failed to connect service "${address}" within ${seconds}: context deadline exceeded`,
      };
  }
  return { type: 'failure', output: `error: health rpc probe failed: ${error.message}` };
}

/** HealthCheckRequest{service: 1}. */
function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service);
  return name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
}

/** HealthCheckResponse{status: 1}: an enum, left out where it is 0. */
function decodeStatus(bytes: Buffer): number {
  return bytes[0] === 0x08 ? (bytes[1] ?? 0) : 0;
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
